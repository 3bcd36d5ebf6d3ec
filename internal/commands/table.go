package commands

import "slices"

// Spec is one row of the command table, from which parsing and help are taken.
type Spec struct {
	Name Name
	// Usage is the shape, in which capitals stand for what people fill in.
	Usage string
	// Summary is one line for the overview.
	Summary string
	// More is shown by help on the command, one sentence a line.
	More []string
	// Examples parse.
	Examples []string
	// Changes tells that the command changes something and has to be recorded
	// before it is acknowledged. The others only read.
	Changes bool

	args args
}

// args says what may follow a command's first word.
type args int

const (
	argsNone args = iota
	argsChange
	argsModel        // MODEL [TARGET]
	argsPast         // [all] [MODEL [TARGET]]
	argsMaybeGlob    // [GLOB]
	argsMaybeTopic   // [WORD]
	argsID           // ID
	argsIDWithReason // ID [reason]
	argsExtend       // ID [span] {for | reason}
	argsFreeze       // MODEL|* [TARGET] {for | until | reason | break-glass}
)

var table = []Spec{
	{
		Name: NameChange, args: argsChange, Changes: true,
		Usage:   "MODEL TARGET setting=value…",
		Summary: "changes autoscaling settings",
		More: []string{
			"TARGET is an environment (production), a deployment's name or ID, or development.",
			"model:X, env:X and deployment:X choose where a name fits two things; team/name where two teams share one.",
			"for=2h or until=18:00 makes it a temporary change: afterwards the bot puts back what was there before.",
			`reason="…" is kept with the request, dry-run shows what would happen, break-glass skips an approval where the policy allows it.`,
		},
		Examples: []string{
			"llama-70b production max=7",
			"llama-70b production max=7 for=2h",
			`llama-70b production min=2 max=7 window=10m reason="launch at noon"`,
			"llama-70b deployment:abc1234 utilization=70% dry-run",
		},
	},
	{
		Name: NameStatus, args: argsModel,
		Usage:    "status MODEL [TARGET]",
		Summary:  "shows settings and replicas",
		Examples: []string{"status llama-70b", "status llama-70b production"},
	},
	{
		Name: NameList, args: argsMaybeGlob,
		Usage:    "list [GLOB]",
		Summary:  "lists models; * stands for any letters",
		Examples: []string{"list", "list llama-*"},
	},
	{
		Name: NameCan, args: argsChange,
		Usage:    "can MODEL TARGET setting=value…",
		Summary:  "tells what the policy would decide, and changes nothing",
		Examples: []string{"can llama-70b production max=7"},
	},
	{
		Name: NameWhoami, args: argsNone,
		Usage:    "whoami",
		Summary:  "shows your ID, this channel's ID, your groups and the rules that name them",
		Examples: []string{"whoami"},
	},
	{
		Name: NamePending, args: argsNone,
		Usage:    "pending",
		Summary:  "lists what waits for somebody, temporary changes and freezes",
		Examples: []string{"pending"},
	},
	{
		Name: NameReviews, args: argsNone,
		Usage:    "reviews",
		Summary:  "lists each break-glass that nobody has reviewed yet",
		Examples: []string{"reviews"},
	},
	{
		Name: NameHistory, args: argsPast,
		Usage:   "history [all] [MODEL [TARGET]]",
		Summary: "lists what was changed: by whom, who agreed, what came of it",
		More: []string{
			"Without all it shows what reached Baseten; with it also what was denied, expired or failed before.",
		},
		Examples: []string{"history", "history llama-70b", "history all llama-70b production"},
	},
	{
		Name: NameCancel, args: argsID, Changes: true,
		Usage:    "cancel ID",
		Summary:  "takes back a request that was not sent yet",
		Examples: []string{"cancel #K7M2Q"},
	},
	{
		Name: NameUndo, args: argsIDWithReason, Changes: true,
		Usage:   "undo ID",
		Summary: "asks for the values from before a request",
		More: []string{
			"An undo is a request of its own: the policy decides about it as about any other.",
			`reason="…" may follow the ID.`,
		},
		Examples: []string{"undo #K7M2Q", `undo #K7M2Q reason="latency is back to normal"`},
	},
	{
		Name: NameExtend, args: argsExtend, Changes: true,
		Usage:   "extend ID 1h",
		Summary: "lets a temporary change hold longer",
		More: []string{
			"Without a time it is one hour more.",
			`reason="…" may follow.`,
		},
		Examples: []string{"extend #K7M2Q 1h", `extend #K7M2Q 1h30m reason="the launch takes longer"`},
	},
	{
		Name: NameKeep, args: argsIDWithReason, Changes: true,
		Usage:    "keep ID",
		Summary:  "keeps a temporary change for good",
		More:     []string{`reason="…" may follow the ID.`},
		Examples: []string{"keep #K7M2Q", `keep #K7M2Q reason="the traffic stays"`},
	},
	{
		Name: NameFreeze, args: argsFreeze, Changes: true,
		Usage:   `freeze MODEL|* [TARGET] until="Mon 08:00" reason="…"`,
		Summary: "stops all changes of a model until then; * is all models",
		More: []string{
			"The policy says who may. for=2h works as well as until.",
			"With break-glass, requests that skip their approval go through.",
			"pending lists each freeze with its ID; thaw ends it.",
		},
		Examples: []string{
			`freeze llama-70b production until="Mon 08:00" reason="launch"`,
			`freeze * for=2h reason="incident" break-glass`,
		},
	},
	{
		Name: NameThaw, args: argsID, Changes: true,
		Usage:    "thaw ID",
		Summary:  "ends a freeze",
		Examples: []string{"thaw #K7M2Q"},
	},
	{
		Name: NameHelp, args: argsMaybeTopic,
		Usage:    "help [WORD]",
		Summary:  "explains a command, a setting or an option",
		Examples: []string{"help", "help status", "help window"},
	},
}

// All returns the command table in the order of the overview, the change first.
func All() []Spec { return slices.Clone(table) }

// firstWord returns the row of a command that is called by its first word. The
// change is not: "change" is no word of the grammar.
func firstWord(word string) (Spec, bool) {
	word = lower(word)
	i := slices.IndexFunc(table, func(s Spec) bool { return s.Name != NameChange && string(s.Name) == word })
	if i < 0 {
		return Spec{}, false
	}
	return table[i], true
}

// firstWords lists what firstWord knows.
func firstWords() []string {
	var out []string
	for _, s := range table {
		if s.Name != NameChange {
			out = append(out, string(s.Name))
		}
	}
	return out
}
