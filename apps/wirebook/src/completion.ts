/**
 * Completion for shells. The scripts ask `wirebook help COMMAND` for the options of a command, so they are those of the
 * version that is installed.
 */

/** The options that the help of a command lists. */
const askOptions = (command: string): string =>
  `wirebook help "${command}" 2>/dev/null | sed -n 's/^  \\(--[a-z-]*\\).*/\\1/p'`;

const shells: Readonly<Record<string, (commands: string) => string>> = {
  bash: (commands) => `# wirebook completion bash >> ~/.bashrc
_wirebook() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} commands="${commands}" words
  [[ " $commands " == *" $command "* ]] || command=client
  if [[ $word == -* ]]; then words=$(${askOptions("$command")})
  elif ((COMP_CWORD == 1)) || [[ $command == help ]]; then words="$commands"
  elif [[ $command == completion ]]; then words="bash zsh fish"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _wirebook wirebook
`,
  zsh: (commands) => `#compdef wirebook
# wirebook completion zsh > "\${fpath[1]}/_wirebook"
_wirebook() {
  local -a commands=(${commands})
  local command=$words[2]
  (($commands[(Ie)$command])) || command=client
  if [[ $words[CURRENT] == -* ]]; then compadd -- \${(f)"$(${askOptions("$command")})"}
  elif ((CURRENT == 2)) || [[ $command == help ]]; then compadd -- $commands
  elif [[ $command == completion ]]; then compadd bash zsh fish
  else _files
  fi
}
compdef _wirebook wirebook
`,
  fish: (commands) => `# wirebook completion fish > ~/.config/fish/completions/wirebook.fish
function __wirebook_options
  set -l command (commandline -opc)[2]
  contains -- "$command" ${commands}; or set command client
  ${askOptions("$command")}
end
complete -c wirebook -n __fish_use_subcommand -a "${commands}"
complete -c wirebook -n "__fish_seen_subcommand_from help" -f -a "${commands}"
complete -c wirebook -n "__fish_seen_subcommand_from completion" -f -a "bash zsh fish"
complete -c wirebook -n "string match -q -- '-*' (commandline -ct)" -f -a "(__wirebook_options)"
`,
};

/** The script for a shell; `undefined` for one that is not known. */
export function describeCompletion(shell: string, commands: readonly string[]): string | undefined {
  return Object.hasOwn(shells, shell) ? shells[shell]?.(commands.join(" ")) : undefined;
}
