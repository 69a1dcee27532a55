# Completion of irm for fish: irm completion fish > ~/.config/fish/completions/irm.fish
function __irm_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete -- $words $last 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path $last
        else
            echo $line
        end
    end
end
complete -c irm -f -a '(__irm_complete)'
