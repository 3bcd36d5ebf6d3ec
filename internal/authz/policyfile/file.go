package policyfile

import (
	"strings"
	"time"
	_ "time/tzdata" // a policy with a time zone loads in an image without zone files too
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// file is a policy file as it is written. Beside the key, a tag says what a value is
// (one of kinds), what the keys of a mapping are, and what to say where it is missing.
type file struct {
	Version  number         `yaml:"version" is:"version" need:"version is missing: write version: 1"`
	Timezone text           `yaml:"timezone" is:"time zone"`
	Channels []text         `yaml:"channels" is:"channel"`
	Groups   map[text]group `yaml:"groups" key:"group name"`
	Above    *confirmAbove  `yaml:"confirm_above"`
	Freeze   *freeze        `yaml:"freeze"`
	Rules    []rule         `yaml:"rules" need:"rules are missing: without one nobody may change anything"`
	Tests    []test         `yaml:"tests"`
}

type group struct {
	Users      []text `yaml:"users" is:"user"`
	Usergroups []text `yaml:"usergroups" is:"user group"`
}

type rule struct {
	Name       text            `yaml:"name" is:"rule name" need:"a rule needs a name"`
	Who        []text          `yaml:"who"`
	Models     []text          `yaml:"models" is:"pattern"`
	Targets    []text          `yaml:"targets" is:"pattern"`
	Settings   []text          `yaml:"settings" is:"setting"`
	When       text            `yaml:"when" is:"condition"`
	Effect     text            `yaml:"effect" is:"effect" need:"a rule needs an effect: allow, confirm, approve or deny"`
	Reason     text            `yaml:"reason" is:"reason"`
	Require    []text          `yaml:"require" is:"requirement"`
	MaxFor     text            `yaml:"max_for" is:"length"`
	Approvers  []text          `yaml:"approvers"`
	Approvals  map[text]number `yaml:"approvals" is:"approvals"`
	Expires    text            `yaml:"expires" is:"span"`
	BreakGlass *breakGlass     `yaml:"break_glass"`
	Mention    []text          `yaml:"mention"`
}

type confirmAbove struct {
	Factor     number `yaml:"factor" is:"factor"`
	Replicas   number `yaml:"replicas" is:"replicas"`
	USDPerHour number `yaml:"usd_per_hour" is:"price"`
}

type breakGlass struct {
	Who []text `yaml:"who" need:"break_glass must say who"`
}

type freeze struct {
	Who []text `yaml:"who" need:"freeze must say who"`
}

// test is one entry of the tests section.
type test struct {
	As         text            `yaml:"as" is:"user" need:"a test needs as"`
	Groups     []text          `yaml:"groups"`
	Membership text            `yaml:"membership" is:"membership"`
	Command    text            `yaml:"command" need:"a test needs command"`
	Channel    text            `yaml:"channel" is:"channel"`
	Team       text            `yaml:"team"`
	Kind       text            `yaml:"kind" is:"kind"`
	Serves     text            `yaml:"serves"`
	Promoting  []text          `yaml:"promoting"`
	Before     map[text]number `yaml:"before" key:"setting" is:"setting value"`
	Cost       *cost           `yaml:"cost"`
	Now        text            `yaml:"now"`
	Confirmed  bool            `yaml:"confirmed"`
	Expect     text            `yaml:"expect" is:"effect" need:"a test needs expect"`
	Rule       text            `yaml:"rule"`
}

type cost struct {
	FloorBefore   number `yaml:"floor_before" is:"price"`
	FloorAfter    number `yaml:"floor_after" is:"price"`
	CeilingBefore number `yaml:"ceiling_before" is:"price"`
	CeilingAfter  number `yaml:"ceiling_after" is:"price"`
}

// text is a text and its place, which is nil where the file leaves it out.
type text struct {
	value string
	at    *token.Token
}

// UnmarshalYAML is called by the decoder.
func (t *text) UnmarshalYAML(n ast.Node) error {
	t.at = n.GetToken()
	t.value, _ = textOf(n)
	return nil
}

// number is a number and its place, which is nil where the file leaves it out, or has
// null.
type number struct {
	value float64
	at    *token.Token
}

// UnmarshalYAML is called by the decoder.
func (v *number) UnmarshalYAML(n ast.Node) error {
	v.at = n.GetToken()
	v.value, _ = numberOf(n)
	return nil
}

// What a rule can require of a request.
const (
	requireReason = "reason"
	requireFor    = "for"
)

// kind is what a value can be.
type kind struct {
	// wanted says it in a message; words lists what it can be.
	wanted string
	words  []string
	// right judges a text that is not one of words, fits a number.
	right func(string) bool
	fits  func(float64) bool
}

var kinds = map[string]kind{
	"version":       {wanted: "1: this bot reads version 1 of the policy format", fits: func(v float64) bool { return v == 1 }},
	"time zone":     {wanted: "a time zone such as Europe/Berlin", right: isTimeZone},
	"channel":       {wanted: "a Slack channel ID (C…), not a name", right: authz.IsChannelID},
	"user":          {wanted: "a Slack user ID (U… or W…), not a name", right: authz.IsUserID},
	"user group":    {wanted: "a Slack user group ID (S…), not a name", right: authz.IsUsergroupID},
	"group name":    {wanted: "a name for a group", right: isGroupName},
	"rule name":     {wanted: "one line of at most 100 characters", right: func(s string) bool { return isLine(s, 100) }},
	"reason":        {wanted: "a text of at most 500 characters", right: func(s string) bool { return utf8.RuneCountInString(s) <= 500 }},
	"pattern":       {wanted: "a pattern: wildcards are *, ?, [a-z] and [^a-z]", right: isPattern},
	"span":          {wanted: "a time such as 4h or 90m, up to 720h", right: isSpan},
	"length":        {wanted: "a time such as 8h or 90m, from 5m to 720h", right: isLength},
	"setting":       {words: settingWords()},
	"requirement":   {words: []string{requireReason, requireFor}},
	"effect":        {words: []string{string(authz.Allow), string(authz.Confirm), string(authz.Approve), string(authz.Deny)}},
	"kind":          {words: []string{baseten.TargetEnvironment, baseten.TargetDeployment}},
	"membership":    {words: []string{string(authz.Member), string(authz.Guest), string(authz.Bot), string(authz.Foreign), string(authz.Deactivated), string(authz.Unknown)}},
	"approvals":     {wanted: "a whole number from 1 to 20, or one for each group such as {leads: 1, sre: 1}", fits: func(v float64) bool { return isWhole(v, 1, 20) }},
	"setting value": {wanted: "a whole number from 0, or null", fits: func(v float64) bool { return isWhole(v, 0, 1<<31-1) }},
	"factor":        {wanted: "a whole number from 2 to 1000", fits: func(v float64) bool { return isWhole(v, 2, 1000) }},
	"replicas":      {wanted: "a whole number from 1", fits: func(v float64) bool { return isWhole(v, 1, 1<<31-1) }},
	"price":         {wanted: "a number of USD per hour", fits: func(v float64) bool { return v >= 0 }},
}

func isTimeZone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != "Local"
}

func isLine(s string, most int) bool {
	return utf8.RuneCountInString(s) <= most && !strings.ContainsAny(s, "\n\t")
}

func isGroupName(s string) bool {
	return isLine(s, 100) && s == strings.TrimSpace(s) && !strings.ContainsAny(s, `"<>`) && s != authz.Everyone && !authz.IsUserID(s)
}

func isPattern(s string) bool {
	_, err := authz.NewPattern(s)
	return err == nil
}

func isSpan(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d > 0 && d <= 30*24*time.Hour
}

// isLength tells whether a change can hold so long.
func isLength(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && isSpan(s) && d >= 5*time.Minute
}

func isWhole(v float64, least, most int) bool {
	return v == float64(int(v)) && int(v) >= least && int(v) <= most
}

func settingWords() []string {
	var out []string
	for _, row := range baseten.AllSettings {
		out = append(out, row.Word, string(row.Field))
	}
	return out
}
