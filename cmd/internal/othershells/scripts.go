package othershells

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// A scriptChange is a part of a completion script of cobra's, and what stands in its place.
// The scripts evaluate the line that is being typed, for its quotes and variables, so that a
// Tab would run the commands in it. With the changes the scripts of bash, zsh and fish
// evaluate nothing of the line, and that of PowerShell no line that could have a command in
// it. All of them start rpcctl by its name, whatever the line begins with.
type scriptChange struct {
	from, until string // the part is from, or begins with from and ends before until
	to          string
}

// in makes the change in a script.
func (c scriptChange) in(script string) (string, error) {
	before, rest, found := strings.Cut(script, c.from)
	if found && c.until != "" {
		_, rest, found = strings.Cut(rest, c.until)
	}
	if !found {
		return "", errors.New("the completion script is not the one that is known")
	}
	return before + c.to + c.until + rest, nil
}

// unquote is a function for bash and zsh that reads a word as they do, and runs nothing:
// neither can take quotes off without evaluating what is in them. VALUE is the value of the
// variable that is called as __name says.
const unquote = `# Puts the word $1 into plain: without quotes, with the values of variables. Nothing of it
# is evaluated, and all else stays what it is.
__rpcctl_unquote()
{
    local __rest=$1 __quote= __part __name __signs
    plain=
    if [[ $__rest == \~/* ]]; then
        plain=$HOME __rest=${__rest:1}
    fi
    while [[ -n $__rest ]]; do
        __part=${__rest%%[\"\'\\\$]*}
        plain+=$__part
        __rest=${__rest:${#__part}}
        case $__quote${__rest:0:1} in
            \$|\"\$)
                __name=${__rest:1} __signs=1
                if [[ $__name == \{*\}* ]]; then
                    __name=${__name:1} __signs=3
                    __name=${__name%%\}*}
                else
                    __name=${__name%%[!A-Za-z0-9_]*}
                fi
                case $__name in
                    ''|[0-9]*|*[!A-Za-z0-9_]*)
                        plain+=\$ __rest=${__rest:1} ;;
                    *)
                        plain+=VALUE __rest=${__rest:${#__name}+__signs} ;;
                esac ;;
            \\|\"\\)
                case $__quote${__rest:1:1} in
                    \"[\"\\\$$'\x60']) ;;
                    \"*) plain+=\\ ;;
                esac
                plain+=${__rest:1:1} __rest=${__rest:2} ;;
            \')
                __part=${__rest:1} __part=${__part%%\'*}
                plain+=$__part __rest=${__rest:${#__part}+2} ;;
            \"\")
                __quote= __rest=${__rest:1} ;;
            \")
                __quote=\" __rest=${__rest:1} ;;
            *)
                plain+=${__rest:0:1} __rest=${__rest:1} ;;
        esac
    done
}

`

// bashChanges hand the words of the line to rpcctl as they are. The helpers of bash-completion
// for redirections and files evaluate their arguments.
var bashChanges = []scriptChange{
	{
		from: "__rpcctl_get_completion_results() {\n",
		to: strings.Replace(unquote, "VALUE", "${!__name-}", 1) +
			`# Fills args with the words up to the cursor, unquoted and without redirections. It fails
# where the cursor is at the file of one.
__rpcctl_read_args()
{
    local word plain redirects= file=
    local operator='^([0-9]*|[{][A-Za-z_][A-Za-z0-9_]*[}]|&)[<>]+[|&]?'
    args=()
    for word in "${words[@]:1:cword-1}" "$cur"; do
        redirects=$file file=
        if [[ -z $redirects && $word =~ $operator ]]; then
            redirects=1
            [[ $word == "${BASH_REMATCH[0]}" ]] && file=1
        fi
        if [[ -z $redirects ]]; then
            __rpcctl_unquote "$word"
            args+=("$plain")
        fi
    done
    [[ -z $redirects ]]
}

__rpcctl_get_completion_results() {
`,
	},
	{
		from: "    local requestComp lastParam lastChar args\n", until: "    # When completing a flag",
		to: "    local args\n    out= directive=0\n    __rpcctl_read_args || return\n\n",
	},
	{
		from: "    __rpcctl_debug \"Calling ${requestComp}\"\n", until: "    # Extract the directive integer",
		to: "    out=$(rpcctl __complete \"${args[@]}\" 2>/dev/null)\n\n",
	},
	{
		from: `    if [[ ${directive} == "${out}" ]]; then`,
		to:   `    if [[ ${directive} == "${out}" || -z ${directive} || ${directive} == *[!0-9]* ]]; then`,
	},
	{
		from: `    if (((directive & shellCompDirectiveFilterFileExt) != 0)); then`,
		to: "    if [[ $cur == *[\\'\\\"\\\\\\$$'\\x60']* ]]; then\n" +
			"        return # a name in quotes is left to bash: _filedir would evaluate it\n" +
			"    elif (((directive & shellCompDirectiveFilterFileExt) != 0)); then",
	},
	{
		from: "    # Call _init_completion from", until: "    __rpcctl_debug\n",
		to: `    __rpcctl_init_completion -n '=:<>&' && ((cword > 0)) || return
    if [[ $cur =~ ^[$][A-Za-z0-9_]*$ ]]; then
        COMPREPLY=($(compgen -v -P '$' -- "${cur:1}"))
        return
    fi

`,
	},
}

// zshChanges do the same for zsh, and give no part of the line to the eval at the end of the
// script.
var zshChanges = []scriptChange{
	{from: "_rpcctl()\n", to: strings.Replace(unquote, "VALUE", "${(P)__name}", 1) + "_rpcctl()\n"},
	{
		from: "lastParam lastChar flagPrefix requestComp out directive comp lastComp noSpace keepOrder\n    local -a completions\n",
		to:   "lastParam flagPrefix out directive comp lastComp word plain\n    local -a completions args order options\n",
	},
	{from: `words=("${=words[1,CURRENT]}")`, to: `words=("${(@)words[1,CURRENT]}")`},
	{
		from: "    lastChar=${lastParam[-1]}\n", until: "    # For zsh, when completing a flag",
		to: `    # zsh evaluates parts of the name of a file that it completes.
    case ${lastParam} in *$'\x60'*|*'('*) return 1 ;; esac

`,
	},
	{from: `[[ "${lastParam}" =~ '-.*=' ]]`, to: `[[ "${lastParam}" =~ '^--?[A-Za-z0-9-]+=' ]]`},
	{
		from: `        flagPrefix="-P ${BASH_REMATCH}"`,
		to: `        flagPrefix="-P ${BASH_REMATCH}"
        options+=(-P "${BASH_REMATCH}")`,
	},
	{
		from: "    # Prepare the command to obtain", until: `    __rpcctl_debug "completion output`,
		to: `    # The words go to rpcctl as it would get them. Nothing of them is evaluated.
    for word in "${(@)words[2,-1]}"; do
        __rpcctl_unquote "$word"
        args+=("$plain")
    done
    out=$(rpcctl __complete "${args[@]}" 2>/dev/null)
`,
	},
	{from: `if [ "${lastLine[1]}" = : ]; then`, to: `if [[ "${lastLine}" = :<-> ]]; then`},
	{from: `noSpace="-S ''"`, to: `options+=(-S '')`},
	{from: `keepOrder="-V"`, to: `order=(-V)`},
	{
		from: `eval _describe $keepOrder "completions" completions $flagPrefix $noSpace`,
		to:   `_describe "${order[@]}" "completions" completions "${options[@]}"`,
	},
}

// fishChanges do the same for fish, which takes the quotes off itself.
var fishChanges = []scriptChange{
	{
		from: "    # Extract all args except the last one", until: "    # Some programs may output extra",
		to: `    # The words go to rpcctl as they are, a variable as its value. Nothing is evaluated.
    set -l args
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        set -l name (string match -r '^\$[A-Za-z_][A-Za-z0-9_]*$' -- $word | string sub -s 2)
        if test -n "$name"
            set -a args $$name
        else
            set -a args $word
        end
    end
    set -l lastArg (commandline -ct)
    __rpcctl_debug "args: $args"
    __rpcctl_debug "last arg: $lastArg"

    # Disable ActiveHelp which is not supported for fish shell
    set -lx RPCCTL_ACTIVE_HELP 0
    set -l results (rpcctl __complete $args "$lastArg" 2> /dev/null)

`,
	},
	{from: `(string match -r -- '-.*=' "$lastArg")`, to: `(string match -r -- '^--?[A-Za-z0-9-]+=' "$lastArg")`},
}

// powershellChanges refuse a line with commands in it, which in PowerShell need a parenthesis.
// PowerShell does not pass redirections as words.
var powershellChanges = []scriptChange{
	{
		from: `    $RequestComp="$Program __complete $Arguments"`,
		to: `    if ($Program -notmatch '^[\w./\\:~-]+$') { return }
    $RequestComp="rpcctl __complete $Arguments"`,
	},
	{
		from: `    Invoke-Expression -OutVariable out`,
		to: `    # Commands in the line run when it is entered, and not before.
    if ("$RequestComp".Contains('(')) { return }
    Invoke-Expression -OutVariable out`,
	},
}

// scriptChanges are the changes by the name of the shell.
var scriptChanges = map[string][]scriptChange{
	"bash": bashChanges, "zsh": zshChanges, "fish": fishChanges, "powershell": powershellChanges,
}

// RunNothing makes the command that writes a shell's completion script into a buffer
// print one that runs nothing of the line that is being typed.
func RunNothing(c *cobra.Command, script *bytes.Buffer) {
	print := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := print(c, args); err != nil {
			return err
		}
		text := script.String()
		for _, change := range scriptChanges[c.Name()] {
			var err error
			if text, err = change.in(text); err != nil {
				return err
			}
		}
		_, err := io.WriteString(c.OutOrStdout(), text)
		return err
	}
}
