package commands

import (
	"slices"
	"strings"

	"autoscalebot/internal/baseten"
)

// what tells of what kind a word after the target is.
type what int

const (
	isSetting what = iota
	isReason
	isDryRun
	isBreakGlass
	isFor
	isUntil
	isNotYet // a feature that does not exist yet
)

// word is one word that may follow the target.
type word struct {
	is what
	// name is the canonical spelling.
	name    string
	setting baseten.Setting // for isSetting
}

// option is a row of the options' help.
type option struct {
	is     what
	name   string
	usage  string
	help   string
	sample string
}

var options = []option{
	{isReason, "reason", `reason="…"`, "is kept with the request and shown with it; at most 500 characters.", `llama-70b production max=7 reason="launch at noon"`},
	{isFor, "for", "for=2h", "puts the values of now back after that time: 90m, 2h, 1h30m or 2d, at least 5m and at most 30d.", "llama-70b production max=7 for=2h"},
	{isUntil, "until", "until=18:00", "puts the values of now back at that time, in your time zone: 18:00 or 6pm, \"Mon 08:00\", \"2026-12-01 08:00\".", `llama-70b production max=7 until="Mon 08:00"`},
	{isDryRun, "dry-run", "dry-run", "shows what would happen and changes nothing.", "llama-70b production max=7 dry-run"},
	{isBreakGlass, "break-glass", "break-glass", "skips the approval where the policy allows it. It needs a reason, is announced, and somebody reviews it afterwards.", `llama-70b production max=7 break-glass reason="outage"`},
}

// notYet lists words of features that people know from elsewhere and that do not
// exist. They are refused as such: to ignore at=18:00 would change at once what was
// meant for later. The advice says what there is instead.
var notYet = []string{"at", "schedule"}

var adviceOn = map[string]string{
	"at":       "A change starts at once; `for=2h` or `until=18:00` says when it ends.",
	"schedule": "Schedules are made at Baseten, and " + typed("status llama-70b") + " shows those of a model.",
}

// meantEnd are words that people type for for or until.
var meantEnd = []string{"duration", "during", "ttl", "lasts", "til", "till", "end", "ends", "expires"}

// otherWords are what people type for a command, from other tools or from talking.
var otherWords = map[string]string{
	"show": "status", "get": "status", "describe": "status", "info": "status",
	"ls": "list", "models": "list",
	"queue": "pending", "waiting": "pending",
	"log": "history", "logs": "history",
	"revert": "undo", "rollback": "undo",
	"sign": "reviews",
	"lock": "freeze", "pause": "freeze", "unlock": "thaw", "unfreeze": "thaw", "unpause": "thaw",
	"prolong": "extend", "renew": "extend", "permanent": "keep", "freezes": "pending",
	"hi": "help", "hello": "help", "hey": "help",
}

// notOurs are what people want done to a model that is no autoscaling.
var notOurs = []string{"deploy", "promote", "activate", "deactivate", "restart", "stop", "start", "delete"}

// fillers are what people write before a change, and what says nothing.
var fillers = []string{"set", "scale", "change", "update", "please", "raise", "lower", "increase", "decrease", "up", "down"}

// vocabulary holds every spelling of every word, as spelled writes it: max-replica
// and maxreplica, dry-run and dryrun.
var vocabulary = buildVocabulary()

func buildVocabulary() map[string]word {
	v := make(map[string]word)
	add := func(spelling string, w word) {
		v[spelled(spelling)] = w
		v[strings.ReplaceAll(spelled(spelling), "-", "")] = w
	}
	for _, s := range baseten.AllSettings {
		for _, sp := range spellings(s) {
			add(sp, word{is: isSetting, name: s.Word, setting: s})
		}
	}
	for _, o := range options {
		add(o.name, word{is: o.is, name: o.name})
	}
	for _, n := range notYet {
		add(n, word{is: isNotYet, name: n})
	}
	return v
}

// spellings lists the words for a setting: ours, the API's, and, for replicas,
// the plural that people type and the API refuses.
func spellings(s baseten.Setting) []string {
	api := string(s.Field)
	out := []string{s.Word, api}
	if s.Unit == baseten.Replicas {
		out = append(out, api+"s")
	}
	return out
}

// spelled folds what makes no difference in a word after the target: case, the
// leading dashes of an option, and whether an underscore or a dash joins it.
func spelled(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(lower(text), "--"), "_", "-")
}

// nearWords returns at most three words after the target that a typo may have
// meant.
func nearWords(text string) []string {
	text = strings.TrimLeft(spelled(text), "-")
	var near []string
	add := func(spelling string) {
		if name := vocabulary[spelling].name; !slices.Contains(near, name) {
			near = append(near, name)
		}
	}
	if slices.Contains(meantEnd, text) {
		return []string{"for", "until"}
	}
	if w, ok := vocabulary[text]; ok && w.is != isNotYet { // only the dashes are wrong
		return []string{w.name}
	}
	all := suggestible()
	for _, sp := range baseten.Closest(text, all, len(all)) {
		add(sp)
	}
	if len(near) == 0 { // part of an API name: replicas, rate, target
		for _, sp := range all {
			if slices.Contains(strings.Split(sp, "-"), text) {
				add(sp)
			}
		}
	}
	return near[:min(len(near), 3)]
}

// suggestible lists the spellings of settings and options, in the tables' order.
func suggestible() []string {
	var out []string
	for _, s := range baseten.AllSettings {
		for _, sp := range spellings(s) {
			out = append(out, spelled(sp))
		}
	}
	for _, o := range options {
		out = append(out, o.name)
	}
	return out
}
