#compdef irm
# Completion of irm for zsh: irm completion zsh > "${fpath[1]}/_irm"
_irm() {
	local line word doc files=0
	local -a list
	for line in "${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		[[ -z $line ]] && continue
		if [[ $line == :files ]]; then
			files=1
			continue
		fi
		word=${line%%$'\t'*}
		doc=${line#*$'\t'}
		list+=("${word//:/\\:}:$doc")
	done
	(( $#list )) && _describe 'irm' list
	(( files )) && _files
}
if [[ $funcstack[1] == _irm ]]; then
	_irm "$@"
else
	compdef _irm irm
fi
