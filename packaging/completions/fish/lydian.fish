# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lydian_global_optspecs
    string join \n o/output= url= token= ca= profile= config= h/help V/version
end

function __fish_lydian_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lydian_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lydian_using_subcommand
    set -l cmd (__fish_lydian_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lydian -n "__fish_lydian_needs_command" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_needs_command" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_needs_command" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_needs_command" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_needs_command" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_needs_command" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_needs_command" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_needs_command" -s V -l version -d 'Print version'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "host" -d 'Hosts: how they stand, what they have, what happened'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "trusted" -d 'Who trusted X? For each host YES, NO or UNKNOWN, with evidence'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "verify" -d 'Check the proof of an answer, offline: whether it follows from evidence alone'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "watch" -d 'Questions that are asked again whenever there is something new'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "incident" -d 'What happened, which hosts it concerns, and what is left to do'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "enroll" -d 'Letting hosts join'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "token" -d 'Operators\' API tokens'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "refusal" -d 'Evidence that was not accepted'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "action" -d 'What operators did'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "log" -d 'The transparency log'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "evidence" -d 'Evidence with its proofs, also offline'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "inspect" -d 'Measurement logs, quotes, certificates, key lists and signed files, from files'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "cel" -d 'Canonical event logs (CEL-JSON): made from a boot\'s logs, and taken apart again'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "version" -d 'Version of this program, and of the verifier where one is configured'
complete -c lydian -n "__fish_lydian_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -f -a "list" -d 'All hosts, and how many there are of each kind'
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -f -a "show" -d 'One host: identity, newest evidence, each claim with its reasons, coverage'
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -f -a "label" -d 'Give a host labels, by which `--hosts` chooses hosts, or take them away; without any show them'
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -f -a "retire" -d 'Say that a host is gone: no more evidence is taken from it, and its history ends with a leaf of the log'
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -f -a "history" -d 'What a host sent and what changed, newest first'
complete -c lydian -n "__fish_lydian_using_subcommand host; and not __fish_seen_subcommand_from list show label retire history help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l status -d 'Only hosts of this status' -r -f -a "trusted\t''
warning\t''
not-trusted\t''
stale\t''
pending\t''
retired\t''"
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l search -d 'Only hosts whose name or identity contains this' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l hosts -d 'Only hosts whose name fits a pattern, or that have a label KEY=VALUE; of several, with commas between, all must hold' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -l strict -d 'Count a warning as not trusted'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from label" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from label" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from label" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from label" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from label" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from label" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from label" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -l reason -d 'Why; the log keeps it for auditors' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from retire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -l limit -d 'Entries at most' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "list" -d 'All hosts, and how many there are of each kind'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "show" -d 'One host: identity, newest evidence, each claim with its reasons, coverage'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "label" -d 'Give a host labels, by which `--hosts` chooses hosts, or take them away; without any show them'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "retire" -d 'Say that a host is gone: no more evidence is taken from it, and its history ends with a leaf of the log'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "history" -d 'What a host sent and what changed, newest first'
complete -c lydian -n "__fish_lydian_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l from -d 'When the window begins [default: as early as each host is known]' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l to -d 'When the window ends; a day is taken to its end [default: as late as each host is known]' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l at -d 'A moment instead of a window' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l role -d 'eligible, used, executed, present, revoked [default: all but revoked]' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l min-class -d 'The weakest class of evidence that counts, A (quoted) to E (unresolved)' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l hosts -d 'Only hosts whose name fits a pattern, or that have a label KEY=VALUE; of several, with commas between, all must hold' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l mode -d 'Whether at any moment of the window, or for the whole of it' -r -f -a "any\t'At any moment'
whole\t'All of it'"
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l accept -d 'Gaps of these causes are taken as if nothing had happened in them, such as left-out or walks-only; the answer and its record say so' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l proof -d 'Write the answer with all evidence that it follows from into this new directory; `lydian verify DIR` checks it offline' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l explain -d 'All that one host\'s answer rests on, by name or the beginning of its identity' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l all -d 'Show the hosts that are a NO too'
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l names -d 'Only which hosts, one a line with the answer before it: no times, no reasons, and some times as quick'
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -l closure -d 'With an authority also all that lies below it: what it issued, what those issued, and what they signed'
complete -c lydian -n "__fish_lydian_using_subcommand trusted" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l log-key -d 'The log\'s key (C2SP vkey) from a source that you trust, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l policy -d 'Trust policy (c2sp.org/tlog-policy): which witnesses must have cosigned' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l jobs -d 'Threads that verify' -r
complete -c lydian -n "__fish_lydian_using_subcommand verify" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand verify" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand verify" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -f -a "add" -d 'Look for something from now on, and in all that was'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -f -a "list" -d 'All watches, and how they stand'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -f -a "show" -d 'One watch: what it looks for, and what it found'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -f -a "rm" -d 'Look for it no more, and forget what it found'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -f -a "shipped" -d 'Watches that come with this program, for `lydian watch add --shipped`'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and not __fish_seen_subcommand_from add list show rm shipped help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l shipped -d 'One that comes with this program, or all of them' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l note -d 'Where the subjects are from, or what for [default: the names of their files]' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l role -d 'eligible, used, executed, present, revoked [default: all but revoked]' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l min-class -d 'The weakest class of evidence that counts, A (quoted) to E (unresolved)' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l hosts -d 'Only hosts whose name fits a pattern, or that have a label KEY=VALUE; of several, with commas between, all must hold' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l unless -d 'Not hosts that have this now, such as the key that takes the other\'s place' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -l lasting -d 'Only what a host has now, not what it had'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from list" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from list" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from list" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from list" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from show" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from show" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from show" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from show" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from show" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from show" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from rm" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from rm" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from rm" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from rm" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from rm" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from rm" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from shipped" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from shipped" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from shipped" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from shipped" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from shipped" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from shipped" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from shipped" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from help" -f -a "add" -d 'Look for something from now on, and in all that was'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from help" -f -a "list" -d 'All watches, and how they stand'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from help" -f -a "show" -d 'One watch: what it looks for, and what it found'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Look for it no more, and forget what it found'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from help" -f -a "shipped" -d 'Watches that come with this program, for `lydian watch add --shipped`'
complete -c lydian -n "__fish_lydian_using_subcommand watch; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -f -a "open" -d 'Say what happened: what was compromised, and when'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -f -a "list" -d 'All incidents'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -f -a "status" -d 'How far it is dealt with: exposed, contained, re-attested, and what is left to do on each host'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -f -a "report" -d 'A report for people: what was asked, the answer, the evidence, what is left'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -f -a "close" -d 'Nothing is left to do'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and not __fish_seen_subcommand_from open list status report close help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l from -d 'When the window begins [default: as early as each host is known]' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l to -d 'When the window ends; a day is taken to its end [default: as late as each host is known]' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l note -d 'In words' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l role -d 'eligible, used, executed, present, revoked [default: all but revoked]' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l min-class -d 'The weakest class of evidence that counts, A (quoted) to E (unresolved)' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l hosts -d 'Only hosts whose name fits a pattern, or that have a label KEY=VALUE; of several, with commas between, all must hold' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l accept -d 'Gaps of these causes are taken as if nothing had happened in them' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from open" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from list" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from list" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from list" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from list" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from status" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from status" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from status" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from status" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from status" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from status" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -l format -d 'Markdown, HTML or JSON' -r -f -a "md\t'Markdown'
html\t'One page of HTML'
json\t'As the verifier answers'"
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -l out -d 'The file to write instead of standard output' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -l note -d 'In words' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from close" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from help" -f -a "open" -d 'Say what happened: what was compromised, and when'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from help" -f -a "list" -d 'All incidents'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from help" -f -a "status" -d 'How far it is dealt with: exposed, contained, re-attested, and what is left to do on each host'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from help" -f -a "report" -d 'A report for people: what was asked, the answer, the evidence, what is left'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from help" -f -a "close" -d 'Nothing is left to do'
complete -c lydian -n "__fish_lydian_using_subcommand incident; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -f -a "token" -d 'Join tokens: each lets one host enrol'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and not __fish_seen_subcommand_from token help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -f -a "create" -d 'Make a join token; its secret is shown this once'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -f -a "list" -d 'Join tokens and what became of them'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Revoke a join token'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from token" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from help" -f -a "token" -d 'Join tokens: each lets one host enrol'
complete -c lydian -n "__fish_lydian_using_subcommand enroll; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "create" -d 'Make an operator\'s token; its secret is shown this once'
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "list" -d 'Operators\' tokens, without their secrets'
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "revoke" -d 'Revoke an operator\'s token'
complete -c lydian -n "__fish_lydian_using_subcommand token; and not __fish_seen_subcommand_from create list revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l name -d 'Whose or what it is' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l scope -d 'What it may do; each includes those before it' -r -f -a "read\t'Read hosts, history and proofs'
enrol\t'Make and revoke join tokens'
admin\t'Make and revoke operators\' tokens'"
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l ttl -d 'How long it can be used: 8h, 30d, 52w' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from list" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from list" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from list" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from list" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from revoke" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from revoke" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from revoke" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from revoke" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from revoke" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from revoke" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make an operator\'s token; its secret is shown this once'
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "list" -d 'Operators\' tokens, without their secrets'
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Revoke an operator\'s token'
complete -c lydian -n "__fish_lydian_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -f -a "list" -d 'Submissions that were not accepted, newest first'
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and not __fish_seen_subcommand_from list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from list" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from list" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from list" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from list" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from help" -f -a "list" -d 'Submissions that were not accepted, newest first'
complete -c lydian -n "__fish_lydian_using_subcommand refusal; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -f -a "list" -d 'What operators did, newest first, with the leaf that keeps it from being rewritten'
complete -c lydian -n "__fish_lydian_using_subcommand action; and not __fish_seen_subcommand_from list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from list" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from list" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from list" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from list" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from help" -f -a "list" -d 'What operators did, newest first, with the leaf that keeps it from being rewritten'
complete -c lydian -n "__fish_lydian_using_subcommand action; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "checkpoint" -d 'The log\'s signed checkpoint'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "proof" -d 'The proof that a leaf is in the log (c2sp.org/tlog-proof)'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "verify" -d 'Audit a log from its files: hash everything again, and compare every checkpoint'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "audit" -d 'Audit a log and everything behind its leaves: commitments, signatures, chains, verdicts'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "prove" -d 'Make the proof that a leaf is in the log, from the log\'s files (c2sp.org/tlog-proof)'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "check" -d 'Verify a proof file, offline'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "witness" -d 'The witnesses of a verifier\'s log'
complete -c lydian -n "__fish_lydian_using_subcommand log; and not __fish_seen_subcommand_from checkpoint proof verify audit prove check witness help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l log-key -d 'The log\'s key (C2SP vkey) from a source that you trust, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -l out -d 'File to write; standard output without it' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -l log-key -d 'The log\'s key (C2SP vkey) from a source that you trust, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from proof" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l log-key -d 'The log\'s key (C2SP vkey) from a source that you trust, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l policy -d 'Trust policy (c2sp.org/tlog-policy): which witnesses must have cosigned' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l log-ca -d 'What vouches for the web server, in PEM; the system\'s authorities without it' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l state -d 'Keep the audit\'s progress in this file, and go on from it' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l jobs -d 'Threads that hash' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l log-key -d 'The log\'s key (C2SP vkey) from a source that you trust, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l policy -d 'Trust policy (c2sp.org/tlog-policy): which witnesses must have cosigned' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l log-ca -d 'What vouches for the web server, in PEM; the system\'s authorities without it' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l state -d 'Keep the audit\'s progress in this file, and go on from it' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l jobs -d 'Threads that hash' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l evidence -d 'Directory that `lydian-verifier export` made' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -l partial -d 'Accept leaves that nothing was exported for, as in an export of some hosts or an older one'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l index -d 'The leaf\'s index' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l evidence -d 'Evidence that the leaf commits to: a bundle, for which the log is searched; or, in an export, a digest or HOST/SEQ' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l export -d 'Directory that `lydian-verifier export` made, in which the evidence is looked for' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l out -d 'File to write; standard output without it' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l log-ca -d 'What vouches for the web server, in PEM; the system\'s authorities without it' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from prove" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l log-key -d 'The log\'s key (C2SP vkey) from a source that you trust, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l policy -d 'Trust policy (c2sp.org/tlog-policy): which witnesses must have cosigned' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l leaf -d 'The leaf in hex, as the log holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l evidence -d 'Evidence that the leaf must commit to: a bundle; with --export, a digest or HOST/SEQ' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l export -d 'Directory that `lydian-verifier export` made, in which the evidence is looked for' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -f -a "status" -d 'Who cosigns, since when not, and what is published'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from witness" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "checkpoint" -d 'The log\'s signed checkpoint'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "proof" -d 'The proof that a leaf is in the log (c2sp.org/tlog-proof)'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Audit a log from its files: hash everything again, and compare every checkpoint'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "audit" -d 'Audit a log and everything behind its leaves: commitments, signatures, chains, verdicts'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "prove" -d 'Make the proof that a leaf is in the log, from the log\'s files (c2sp.org/tlog-proof)'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "check" -d 'Verify a proof file, offline'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "witness" -d 'The witnesses of a verifier\'s log'
complete -c lydian -n "__fish_lydian_using_subcommand log; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -f -a "fetch" -d 'Download one piece of evidence with its proofs'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -f -a "verify" -d 'Verify downloaded evidence again, offline: quote, logs, policy, place in the log'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and not __fish_seen_subcommand_from fetch verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -l out -d 'File to write; - is standard output' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from fetch" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l log-key -d 'The log\'s key (C2SP vkey) from a source that you trust, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l ak-name -d 'Name of the host\'s attestation key in hex, from a source that you trust' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l previous -d 'Bundle of the evidence before, from which the state is computed instead of believed' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -l strict -d 'Count a warning as not trusted'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from help" -f -a "fetch" -d 'Download one piece of evidence with its proofs'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Verify downloaded evidence again, offline: quote, logs, policy, place in the log'
complete -c lydian -n "__fish_lydian_using_subcommand evidence; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "eventlog" -d 'Firmware measurement logs: events, digests, Secure Boot, findings'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "ima" -d 'IMA lists, binary or text: what was measured, violations, keys and devices, what the PCRs come to'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "quote" -d 'TPM quotes and other attestations: what is attested, and whether signature, key, PCR values and nonce fit'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "systemd-log" -d 'systemd\'s measurement log, canonical event logs, and what they add to the firmware\'s'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "ek-cert" -d 'Endorsement certificates: who made the TPM, and who answers for it'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "siglist" -d 'EFI signature lists and authenticated variable updates: db, dbx, KEK, `MokList`'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "pe" -d 'PE images: Authenticode digests, signatures with their chains, SBAT, UKI sections'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "elf" -d 'ELF files: build id, loader, needed libraries, notes'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "module" -d 'Kernel modules: what they are, and who signed them'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "keyring" -d '`OpenPGP` key rings: fingerprints, user ids, expiry, revocation'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and not __fish_seen_subcommand_from eventlog ima quote systemd-log ek-cert siglist pe elf module keyring help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l pcr -d 'Only events of this PCR' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l bank -d 'Bank to check digests in [default: the strongest of the log]' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l against -d 'PCR values that a TPM held, as JSON: says which of them the log accounts for, and why not' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -l only-findings -d 'Only events that something is wrong with'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from eventlog" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l bank -d 'Banks that PCRs are computed in, parted by commas or each on its own' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l quoted -d 'Quoted value of PCR 10: tells which records it vouches for' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l against -d 'PCR values to compare with, as JSON: {"banks": {"sha256": {"10": "…"}}}' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l only-findings -d 'Only records that something is wrong with'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -l all -d 'Every record, not only the first and those that stand out'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ima" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l attest -d 'TPMS_ATTEST; - is standard input' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l signature -d 'TPMT_SIGNATURE over it; also an RSA signature alone, or ECDSA\'s numbers as DER or one behind the other' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l scheme -d 'Scheme of a signature that does not name its own: rsassa, rsapss or ecdsa, as in ecdsa-sha384 [default: the key\'s]' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l ak -d 'Attestation key: TPM2B_PUBLIC, TPMT_PUBLIC, or a public key in PEM or DER, which has no attributes to check' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l name -d 'The key\'s name in hex, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l pcrs -d 'PCR values, as tpm2_quote or tpm2_pcrread write them, or as JSON: {"banks": {"sha256": {"0": HEX}}}' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l selection -d 'The PCRs that were asked for, as in sha256:0,7' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l object -d 'Public area of the object that is certified or was created' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l nv-public -d 'Public area of the NV index that is certified: TPM2B_NV_PUBLIC or TPMS_NV_PUBLIC' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l creation-data -d 'Creation data of the object that was created: TPM2B_CREATION_DATA or TPMS_CREATION_DATA' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l nonce -d 'The nonce that was asked for, in hex, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from quote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l firmware -d 'Firmware log of the same boot, whose values PCRs start from' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l bank -d 'Bank to replay and to check digests in [default: all that the logs share]' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l against -d 'PCR values that a TPM held, as JSON: says which of them the logs account for, and why not' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -l only-findings -d 'Only events that something is wrong with'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from systemd-log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l roots -d 'Whom to trust: a bundle of roots, or a folder of certificates (those in its folder `cloud` are of clouds)' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l intermediates -d 'Certificates between those of TPMs and the roots' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l crls -d 'Lists of revoked certificates' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l at -d 'Time of the check: 2026-05-01, 2026-05-01T12:00:00Z or @SECONDS [default: now]' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l public -d 'The endorsement key that the certificate is to be about: TPM2B_PUBLIC or TPMT_PUBLIC' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from ek-cert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from siglist" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from siglist" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from siglist" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from siglist" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from siglist" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from siglist" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from siglist" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from pe" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from pe" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from pe" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from pe" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from pe" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from pe" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from pe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from elf" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from elf" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from elf" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from elf" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from elf" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from elf" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from elf" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -l keys -d 'Certificates that are trusted: PEM with any number, or DER with one; may be given several times' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from module" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -l at -d 'Time of which states are told: RFC 3339, YYYY-MM-DD, or seconds since 1970 [default: now]' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from keyring" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "eventlog" -d 'Firmware measurement logs: events, digests, Secure Boot, findings'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "ima" -d 'IMA lists, binary or text: what was measured, violations, keys and devices, what the PCRs come to'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "quote" -d 'TPM quotes and other attestations: what is attested, and whether signature, key, PCR values and nonce fit'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "systemd-log" -d 'systemd\'s measurement log, canonical event logs, and what they add to the firmware\'s'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "ek-cert" -d 'Endorsement certificates: who made the TPM, and who answers for it'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "siglist" -d 'EFI signature lists and authenticated variable updates: db, dbx, KEK, `MokList`'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "pe" -d 'PE images: Authenticode digests, signatures with their chains, SBAT, UKI sections'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "elf" -d 'ELF files: build id, loader, needed libraries, notes'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "module" -d 'Kernel modules: what they are, and who signed them'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "keyring" -d '`OpenPGP` key rings: fingerprints, user ids, expiry, revocation'
complete -c lydian -n "__fish_lydian_using_subcommand inspect; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -f -a "write" -d 'One canonical log of a boot\'s firmware log, IMA list and systemd log'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -f -a "extract" -d 'The firmware log or IMA list that a canonical log holds, as the kernel gives them'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and not __fish_seen_subcommand_from write extract help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l firmware -d 'Firmware log' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l ima -d 'IMA list, in its binary form' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l systemd -d 'systemd\'s log, or another canonical log' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l bank -d 'Banks that IMA records get digests of [default: sha1 and sha256]' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l layout -d 'One array, or a JSON text sequence' -r -f -a "array\t'One array'
json-seq\t'A JSON text sequence'"
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l out -d 'Where to; - is standard output' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from write" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -l out -d 'Where to; - is standard output' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from extract" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from help" -f -a "write" -d 'One canonical log of a boot\'s firmware log, IMA list and systemd log'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from help" -f -a "extract" -d 'The firmware log or IMA list that a canonical log holds, as the kernel gives them'
complete -c lydian -n "__fish_lydian_using_subcommand cel; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand version" -s o -l output -d 'table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error' -r -f -a "table\t'For people'
json\t'One JSON document'
jsonl\t'One JSON object a line'
csv\t'Comma-separated values; only of answers about hosts'"
complete -c lydian -n "__fish_lydian_using_subcommand version" -l url -d 'Address, such as <https://verifier.example:8443>' -r
complete -c lydian -n "__fish_lydian_using_subcommand version" -l token -d 'Operator\'s token, or @FILE that holds it' -r
complete -c lydian -n "__fish_lydian_using_subcommand version" -l ca -d 'PEM file of the CA that vouches for the verifier; no other CA is trusted' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand version" -l profile -d 'Profile of the configuration file' -r
complete -c lydian -n "__fish_lydian_using_subcommand version" -l config -d 'Configuration file [default: ~/.config/lydian/config.toml]' -r -F
complete -c lydian -n "__fish_lydian_using_subcommand version" -s h -l help -d 'Print help'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "host" -d 'Hosts: how they stand, what they have, what happened'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "trusted" -d 'Who trusted X? For each host YES, NO or UNKNOWN, with evidence'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "verify" -d 'Check the proof of an answer, offline: whether it follows from evidence alone'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "watch" -d 'Questions that are asked again whenever there is something new'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "incident" -d 'What happened, which hosts it concerns, and what is left to do'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "enroll" -d 'Letting hosts join'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "token" -d 'Operators\' API tokens'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "refusal" -d 'Evidence that was not accepted'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "action" -d 'What operators did'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "log" -d 'The transparency log'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "evidence" -d 'Evidence with its proofs, also offline'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "inspect" -d 'Measurement logs, quotes, certificates, key lists and signed files, from files'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "cel" -d 'Canonical event logs (CEL-JSON): made from a boot\'s logs, and taken apart again'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "version" -d 'Version of this program, and of the verifier where one is configured'
complete -c lydian -n "__fish_lydian_using_subcommand help; and not __fish_seen_subcommand_from host trusted verify watch incident enroll token refusal action log evidence inspect cel version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "list" -d 'All hosts, and how many there are of each kind'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "show" -d 'One host: identity, newest evidence, each claim with its reasons, coverage'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "label" -d 'Give a host labels, by which `--hosts` chooses hosts, or take them away; without any show them'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "retire" -d 'Say that a host is gone: no more evidence is taken from it, and its history ends with a leaf of the log'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "history" -d 'What a host sent and what changed, newest first'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from watch" -f -a "add" -d 'Look for something from now on, and in all that was'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from watch" -f -a "list" -d 'All watches, and how they stand'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from watch" -f -a "show" -d 'One watch: what it looks for, and what it found'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from watch" -f -a "rm" -d 'Look for it no more, and forget what it found'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from watch" -f -a "shipped" -d 'Watches that come with this program, for `lydian watch add --shipped`'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from incident" -f -a "open" -d 'Say what happened: what was compromised, and when'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from incident" -f -a "list" -d 'All incidents'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from incident" -f -a "status" -d 'How far it is dealt with: exposed, contained, re-attested, and what is left to do on each host'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from incident" -f -a "report" -d 'A report for people: what was asked, the answer, the evidence, what is left'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from incident" -f -a "close" -d 'Nothing is left to do'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from enroll" -f -a "token" -d 'Join tokens: each lets one host enrol'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "create" -d 'Make an operator\'s token; its secret is shown this once'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'Operators\' tokens, without their secrets'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Revoke an operator\'s token'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from refusal" -f -a "list" -d 'Submissions that were not accepted, newest first'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from action" -f -a "list" -d 'What operators did, newest first, with the leaf that keeps it from being rewritten'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "checkpoint" -d 'The log\'s signed checkpoint'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "proof" -d 'The proof that a leaf is in the log (c2sp.org/tlog-proof)'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "verify" -d 'Audit a log from its files: hash everything again, and compare every checkpoint'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "audit" -d 'Audit a log and everything behind its leaves: commitments, signatures, chains, verdicts'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "prove" -d 'Make the proof that a leaf is in the log, from the log\'s files (c2sp.org/tlog-proof)'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "check" -d 'Verify a proof file, offline'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from log" -f -a "witness" -d 'The witnesses of a verifier\'s log'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from evidence" -f -a "fetch" -d 'Download one piece of evidence with its proofs'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from evidence" -f -a "verify" -d 'Verify downloaded evidence again, offline: quote, logs, policy, place in the log'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "eventlog" -d 'Firmware measurement logs: events, digests, Secure Boot, findings'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "ima" -d 'IMA lists, binary or text: what was measured, violations, keys and devices, what the PCRs come to'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "quote" -d 'TPM quotes and other attestations: what is attested, and whether signature, key, PCR values and nonce fit'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "systemd-log" -d 'systemd\'s measurement log, canonical event logs, and what they add to the firmware\'s'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "ek-cert" -d 'Endorsement certificates: who made the TPM, and who answers for it'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "siglist" -d 'EFI signature lists and authenticated variable updates: db, dbx, KEK, `MokList`'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "pe" -d 'PE images: Authenticode digests, signatures with their chains, SBAT, UKI sections'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "elf" -d 'ELF files: build id, loader, needed libraries, notes'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "module" -d 'Kernel modules: what they are, and who signed them'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from inspect" -f -a "keyring" -d '`OpenPGP` key rings: fingerprints, user ids, expiry, revocation'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from cel" -f -a "write" -d 'One canonical log of a boot\'s firmware log, IMA list and systemd log'
complete -c lydian -n "__fish_lydian_using_subcommand help; and __fish_seen_subcommand_from cel" -f -a "extract" -d 'The firmware log or IMA list that a canonical log holds, as the kernel gives them'
