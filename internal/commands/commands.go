// Package commands is what people can type: the grammar, the table of commands,
// help and suggestions.
//
// Parse turns any text into a Command, or into a Mistake that says in plain words
// what is wrong and what to type instead. It never guesses: a typo gets a
// suggestion and changes nothing, and a word that is not understood is refused,
// never ignored.
//
// # Grammar
//
//	command  = MODEL TARGET { setting | option }        a change
//	         | "can" MODEL TARGET { setting | option }
//	         | "status" MODEL [ TARGET ]
//	         | "history" [ "all" ] [ MODEL [ TARGET ] ]
//	         | "list" [ GLOB ] | "help" [ WORD ]
//	         | "pending" | "reviews" | "whoami"
//	         | "cancel" ID | "undo" ID [ reason ]
//	         | "extend" ID { [ "for" [ "=" ] ] span | reason } | "keep" ID [ reason ]
//	         | "freeze" ( MODEL | "*" ) [ TARGET ] { end | reason | "break-glass" } | "thaw" ID
//	MODEL    = name | "model:" name
//	TARGET   = name | "env:" name | "deployment:" name
//	setting  = word "=" value | word ":" value | word value | "--" word [ "=" ] value
//	option   = reason | end | "dry-run" | "break-glass" also with "--"
//	end      = "for" [ "=" ] span | "until" [ "=" ] moment
//	span     = a sum of days, hours and minutes in this order: 2d, 1h30m, 90m
//	moment   = [ weekday | date ] time of the day       in quotes or as two words
//	reason   = "reason" [ "=" ] ( quoted text | one word, the last of the line )
//
// The first two plain words are the model and the target; settings and options may
// stand anywhere around them. A word is plain unless it contains "=", starts with a
// dash, is "reason", "for" or "until", or is a setting followed by a colon; in a freeze,
// where the target may be left out, no option is plain. Spaces around "=" do not
// matter. The first word of a command wins over a model of that name, which is reached
// as model:status; so does "all" after "history". A reason without quotes is one word,
// and whatever follows it is refused: no word of a reason may become a setting or an
// option.
//
// The package knows no Slack, no network and nothing of what exists at Baseten:
// whether a model of that name exists, who may change it and what its settings are
// now is decided elsewhere.
package commands

import (
	"strings"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/moment"
)

// Name says what a command does: the first word, or NameChange for a change, which
// has none.
type Name string

// The commands. All describes them.
const (
	NameChange  Name = "change"
	NameStatus  Name = "status"
	NameList    Name = "list"
	NameWhoami  Name = "whoami"
	NameCan     Name = "can"
	NamePending Name = "pending"
	NameReviews Name = "reviews"
	NameHistory Name = "history"
	NameCancel  Name = "cancel"
	NameUndo    Name = "undo"
	NameExtend  Name = "extend"
	NameKeep    Name = "keep"
	NameFreeze  Name = "freeze"
	NameThaw    Name = "thaw"
	NameHelp    Name = "help"
)

// Kinds of Ref. A Ref without a kind may mean anything that has its name.
const (
	KindModel       = "model"
	KindEnvironment = "environment"
	KindDeployment  = "deployment"
)

// Ref is a name as typed: of a model, an environment or a deployment. The case of
// Word is kept.
type Ref struct {
	// Kind is "", or what the person said that the name stands for.
	Kind string
	Word string
}

// IsZero reports whether nothing was named.
func (r Ref) IsZero() bool { return r == Ref{} }

// String gives the spelling back: llama-70b, env:production.
func (r Ref) String() string {
	word := r.Word
	if strings.Contains(word, " ") {
		word = quote(word)
	}
	switch r.Kind {
	case KindModel:
		return "model:" + word
	case KindEnvironment:
		return "env:" + word
	case KindDeployment:
		return "deployment:" + word
	default:
		return word
	}
}

// Command is one text, understood. Fields that its Name does not use are zero.
type Command struct {
	Name Name
	// Model and Target are set for a change and can; Target may be zero for status
	// and freeze, both for history. The Word of Model is "*" for a freeze of all.
	Model, Target Ref
	// Settings holds values within the ranges of baseten.AllSettings, at least one
	// for a change and can, nil otherwise.
	Settings baseten.Settings
	// Reason has at most MaxReason characters, in one line. A freeze has one always.
	Reason string
	// For is how long a change or a freeze is to hold, between moment.Least and moment.Most, and
	// by how much an extend prolongs a change. It is zero where nobody said.
	For time.Duration
	// Until is when it is to end, zero where nobody said. For and Until are never both
	// set; a freeze has one of them.
	Until  moment.Time
	DryRun bool
	// BreakGlass comes with a Reason always. A freeze with it lets requests with
	// break-glass through.
	BreakGlass bool
	// ID names a request for cancel, undo, extend and keep, and a freeze for thaw: five Crockford base32 characters in
	// capitals, without the #.
	ID string
	// All is set for a history that leaves nothing out.
	All bool
	// Glob is the pattern of list, "" for everything.
	Glob string
	// Topic is the word that help is asked for, "" for the overview.
	Topic string
}

// String is the canonical spelling. For every Command that Parse returned, parsing
// it again gives an equal one.
func (c Command) String() string {
	var words []string
	if c.Name != NameChange {
		words = append(words, string(c.Name))
	}
	if c.All {
		words = append(words, wordAll)
	}
	model := c.Model
	if c.Name == NameChange && model.Kind == "" && isTaken(model.Word) {
		model.Kind = KindModel // a text that begins with the word would be another command
	}
	for _, ref := range []Ref{model, c.Target} {
		if !ref.IsZero() {
			words = append(words, ref.String())
		}
	}
	for _, word := range []string{c.Glob, c.Topic} {
		if strings.Contains(word, " ") {
			word = quote(word)
		}
		if word != "" {
			words = append(words, word)
		}
	}
	if c.ID != "" {
		words = append(words, "#"+c.ID)
	}
	if len(c.Settings) > 0 {
		words = append(words, c.Settings.String())
	}
	if c.For != 0 {
		words = append(words, "for="+moment.FormatSpan(c.For))
	}
	if !c.Until.IsZero() {
		words = append(words, untilWord(c.Until.String()))
	}
	if c.Reason != "" {
		words = append(words, "reason="+quote(c.Reason))
	}
	if c.DryRun {
		words = append(words, "dry-run")
	}
	if c.BreakGlass {
		words = append(words, "break-glass")
	}
	return strings.Join(words, " ")
}
