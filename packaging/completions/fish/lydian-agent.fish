# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lydian_agent_global_optspecs
    string join \n config= state-dir= url= ca= tcti= firmware-log= ima-list= systemd-log= root= exclude= settle-ms= heartbeat-secs= spool-max-bytes= h/help V/version
end

function __fish_lydian_agent_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lydian_agent_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lydian_agent_using_subcommand
    set -l cmd (__fish_lydian_agent_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -s V -l version -d 'Print version'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "enroll" -d 'Enrol this host with a verifier, once'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "run" -d 'Attest until told to stop; this is what the systemd service runs'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "status" -d 'Show what was sealed, sent and acknowledged, and what is wrong'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "file" -d 'Show what is known of one file, in one card'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "has" -d 'Tell whether contents are, or were, among this host\'s artefacts'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "coverage" -d 'Show what is watched, by what means, and what could not be seen'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "cosign" -d 'Cosign the newest log checkpoint that this host has verified'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "doctor" -d 'Look at what the agent needs of this host: TPM, logs, file events, the verifier; each with what to do'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "check-config" -d 'Check the configuration and print it as the agent reads it'
complete -c lydian-agent -n "__fish_lydian_agent_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l token -d 'The join token that an operator made (`lydian token create`); other users can see it in the process list, so better use --token-file or the environment' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l token-file -d 'A file that holds the join token' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l ca-fingerprint -d 'SHA-256 of the authority\'s certificate, as `lydian-verifier ca --fingerprint` prints it, where no file of it is here (--ca)' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l name -d 'What people will call this host [default: its host name]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l reason -d 'Why this host enrols again, such as "new disk"; the log keeps it for auditors' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand enroll" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -s o -l output -d 'How to show it' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -s o -l output -d 'How to show it' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand file" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -s o -l output -d 'How to show it' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand has" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -s o -l output -d 'How to show it' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand coverage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l key -d 'The public key instead, for `witness` lines of trust policies; it is made at the first use'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -l line -d 'The signature line alone, without the checkpoint'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand cosign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -s o -l output -d 'How to show it' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l config -d 'Configuration file [default: /etc/lydian/agent.toml, if there is one]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l state-dir -d 'Where the agent keeps its state [default: /var/lib/lydian-agent]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l url -d 'The verifier, such as <https://verifier.example:8443>' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l ca -d 'PEM file with the verifier\'s certificate authority, the only one that is trusted' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l tcti -d 'The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l firmware-log -d 'The firmware\'s event log [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l ima-list -d 'The kernel\'s IMA list [default: in securityfs]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l systemd-log -d 'systemd\'s measurement log [default: in /run/log/systemd]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l root -d 'A tree whose executables are measured; can be given several times [default: /, with every local file system below it]' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l exclude -d 'A tree that is not measured; can be given several times' -r -F
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l settle-ms -d 'Quiet time after a change before evidence is sealed [default: 500]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l heartbeat-secs -d 'Time without a change after which evidence is sealed all the same [default: as the verifier says]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -l spool-max-bytes -d 'Bytes of evidence that may wait for the verifier [default: 256 MiB]' -r
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand check-config" -s h -l help -d 'Print help'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "enroll" -d 'Enrol this host with a verifier, once'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "run" -d 'Attest until told to stop; this is what the systemd service runs'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "status" -d 'Show what was sealed, sent and acknowledged, and what is wrong'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "file" -d 'Show what is known of one file, in one card'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "has" -d 'Tell whether contents are, or were, among this host\'s artefacts'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "coverage" -d 'Show what is watched, by what means, and what could not be seen'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "cosign" -d 'Cosign the newest log checkpoint that this host has verified'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "doctor" -d 'Look at what the agent needs of this host: TPM, logs, file events, the verifier; each with what to do'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "check-config" -d 'Check the configuration and print it as the agent reads it'
complete -c lydian-agent -n "__fish_lydian_agent_using_subcommand help; and not __fish_seen_subcommand_from enroll run status file has coverage cosign doctor check-config help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
