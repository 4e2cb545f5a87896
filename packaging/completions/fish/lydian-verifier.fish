# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lydian_verifier_global_optspecs
    string join \n config= listen= state-dir= server-name= origin= h/help V/version
end

function __fish_lydian_verifier_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lydian_verifier_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lydian_verifier_using_subcommand
    set -l cmd (__fish_lydian_verifier_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -s V -l version -d 'Print version'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "init" -d 'Set up a new verifier: configuration, certificate authority, the log\'s key, an operator\'s token and the first join token'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "serve" -d 'Run the server in the foreground; it tells systemd when it is ready'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "migrate" -d 'Bring the database\'s schema up to date (`serve` does so by itself)'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "check-config" -d 'Check the configuration and the files that it names, and show what would be used'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "token" -d 'Operators\' tokens for the API'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "join-token" -d 'Tokens by which hosts may join'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "ca" -d 'Print the certificate that agents and operators pin'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "log-key" -d 'Print the log\'s public key'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "export" -d 'Write everything that the log commits to into files, for an auditor (`lydian log audit`)'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "reindex" -d 'Make the index of who trusted what anew, from the evidence (`serve` does so by itself after an upgrade that needs it)'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "copy-to-server" -d 'Copy the history from its file into an empty PostgreSQL database'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "witness" -d 'Witness other people\'s logs: a service of its own, with a configuration of its own (/etc/lydian/witness.toml)'
complete -c lydian-verifier -n "__fish_lydian_verifier_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l ek-roots -d 'EK roots: a bundle, or a folder of the TPM makers\' certificates' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l join-ttl -d 'How long the first join token lasts: 24h, 30m, 60s' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -s o -l output -d 'How to show what was made' -r -f -a "text\t'For people, with what to do next'
json\t'One JSON object'"
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -l danger-first-use -d 'Believe whoever has a join token that its TPM is a real one'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand serve" -l log-format -d 'How its log on stderr is written; `RUST_LOG` says how much' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand serve" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand serve" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand serve" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand serve" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand serve" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand migrate" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand migrate" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand migrate" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand migrate" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand migrate" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand migrate" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand check-config" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand check-config" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand check-config" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand check-config" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand check-config" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand check-config" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "create" -d 'Make a token; its secret is shown this once'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "list" -d 'List tokens, without their secrets'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "revoke" -d 'Revoke a token for ever'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l name -d 'Whose or what it is' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l scope -d 'What it may do; each includes those before it' -r -f -a "read\t'Hosts, history and proofs'
enrol\t'Also join tokens'
admin\t'Also operators\' tokens'"
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l ttl -d 'How long it lasts: 90d, 24h, 30m, 60s' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from list" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from list" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from list" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from list" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from revoke" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from revoke" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from revoke" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from revoke" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from revoke" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a token; its secret is shown this once'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "list" -d 'List tokens, without their secrets'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Revoke a token for ever'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -f -a "create" -d 'Make a token for one host; its secret is shown this once'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -f -a "list" -d 'List tokens, without their secrets'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -f -a "revoke" -d 'Revoke a token for ever'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and not __fish_seen_subcommand_from create list revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -l note -d 'What it is for' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -l ttl -d 'How long it lasts: 24h, 30m, 60s' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from list" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from list" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from list" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from list" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from revoke" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from revoke" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from revoke" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from revoke" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from revoke" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a token for one host; its secret is shown this once'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from help" -f -a "list" -d 'List tokens, without their secrets'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Revoke a token for ever'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand join-token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand ca" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand ca" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand ca" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand ca" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand ca" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand ca" -l fingerprint -d 'Its SHA-256 instead, for `lydian-agent enroll --ca-fingerprint`'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand ca" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand log-key" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand log-key" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand log-key" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand log-key" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand log-key" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand log-key" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -l host -d 'Only this host, by name or identity; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -l no-manifests -d 'Leave out what components consist of, which an audit counts but does not need'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand reindex" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand reindex" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand reindex" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand reindex" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand reindex" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand reindex" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand copy-to-server" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand copy-to-server" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand copy-to-server" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand copy-to-server" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand copy-to-server" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand copy-to-server" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -f -a "serve" -d 'Run the witness in the foreground; it tells systemd when it is ready'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -f -a "check-config" -d 'Check the configuration, and show what would be used'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -f -a "key" -d 'Print the witness\'s public key, for trust policies'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and not __fish_seen_subcommand_from serve check-config key help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from serve" -l log-format -d 'How its log on stderr is written; `RUST_LOG` says how much' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from serve" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from serve" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from serve" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from serve" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from serve" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from check-config" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from check-config" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from check-config" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from check-config" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from check-config" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from check-config" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from key" -l config -d 'Configuration file [default: /etc/lydian/verifier.toml where it exists]' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from key" -l listen -d 'Address and port to listen on, such as [::]:8443' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from key" -l state-dir -d 'Directory of database and keys' -r -F
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from key" -l server-name -d 'Name or address in the server\'s certificate; may be repeated' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from key" -l origin -d 'Name of the log, when it is made' -r
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from key" -s h -l help -d 'Print help'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from help" -f -a "serve" -d 'Run the witness in the foreground; it tells systemd when it is ready'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from help" -f -a "check-config" -d 'Check the configuration, and show what would be used'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from help" -f -a "key" -d 'Print the witness\'s public key, for trust policies'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand witness; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "init" -d 'Set up a new verifier: configuration, certificate authority, the log\'s key, an operator\'s token and the first join token'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "serve" -d 'Run the server in the foreground; it tells systemd when it is ready'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "migrate" -d 'Bring the database\'s schema up to date (`serve` does so by itself)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "check-config" -d 'Check the configuration and the files that it names, and show what would be used'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "token" -d 'Operators\' tokens for the API'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "join-token" -d 'Tokens by which hosts may join'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "ca" -d 'Print the certificate that agents and operators pin'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "log-key" -d 'Print the log\'s public key'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "export" -d 'Write everything that the log commits to into files, for an auditor (`lydian log audit`)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "reindex" -d 'Make the index of who trusted what anew, from the evidence (`serve` does so by itself after an upgrade that needs it)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "copy-to-server" -d 'Copy the history from its file into an empty PostgreSQL database'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "witness" -d 'Witness other people\'s logs: a service of its own, with a configuration of its own (/etc/lydian/witness.toml)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and not __fish_seen_subcommand_from init serve migrate check-config token join-token ca log-key export reindex copy-to-server witness help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "create" -d 'Make a token; its secret is shown this once'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'List tokens, without their secrets'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Revoke a token for ever'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from join-token" -f -a "create" -d 'Make a token for one host; its secret is shown this once'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from join-token" -f -a "list" -d 'List tokens, without their secrets'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from join-token" -f -a "revoke" -d 'Revoke a token for ever'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from witness" -f -a "serve" -d 'Run the witness in the foreground; it tells systemd when it is ready'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from witness" -f -a "check-config" -d 'Check the configuration, and show what would be used'
complete -c lydian-verifier -n "__fish_lydian_verifier_using_subcommand help; and __fish_seen_subcommand_from witness" -f -a "key" -d 'Print the witness\'s public key, for trust policies'
