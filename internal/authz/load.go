package authz

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a policy with a time zone loads in an image without zone files too
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// Bounds of a policy. They only keep mistakes from becoming load.
const (
	defaultExpiry = 24 * time.Hour
	maxExpiry     = 30 * 24 * time.Hour
	maxApprovals  = 20
	maxRules      = 1000
	maxReason     = 500 // characters
)

var (
	userID      = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	usergroupID = regexp.MustCompile(`^S[A-Z0-9]+$`)
	channelID   = regexp.MustCompile(`^[CG][A-Z0-9]+$`)
)

func isUserID(s string) bool { return userID.MatchString(s) }

// loader reads one file into one policy.
type loader struct {
	*problemLog
	policy *Policy
}

// Load reads a policy file. It is strict, and reports as many mistakes as it can
// at once: the error is a *LoadError whose problems carry line and column. It does
// not run the file's tests (see RunTests), nor does it ask whether the people,
// models and targets in it exist.
func Load(name string, data []byte) (*Policy, error) {
	sum := sha256.Sum256(data)
	l := &loader{
		problemLog: newProblemLog(name, data),
		policy:     &Policy{name: name, source: slices.Clone(data), sha: hex.EncodeToString(sum[:]), location: time.UTC},
	}
	if !utf8.Valid(data) {
		l.addAt(1, 1, "the file is not UTF-8 text")
		return nil, l.err()
	}
	root := l.parseDocument(data)
	if root == nil {
		return nil, l.err()
	}
	l.file(root)
	if err := l.err(); err != nil {
		return nil, err
	}
	return l.policy, nil
}

// file reads the document. Sections that others refer to are read first, wherever
// they stand.
func (l *loader) file(root ast.Node) {
	entries, ok := l.mapping(root, "the policy", []string{"version", "timezone", "channels", "groups", "rules", "tests"})
	if !ok {
		return
	}
	section := func(key string, read func(entry)) bool {
		i := slices.IndexFunc(entries, func(e entry) bool { return e.key == key })
		if i >= 0 {
			read(entries[i])
		}
		return i >= 0
	}
	if !section("version", l.version) {
		l.add(start(root), "version is missing: write version: 1")
	}
	section("timezone", l.timezone)
	section("channels", l.channels)
	section("groups", l.groups)
	if !section("rules", l.rules) {
		l.add(start(root), "rules are missing: without one nobody may change anything")
	}
	section("tests", l.tests)
}

func (l *loader) version(e entry) {
	if n, ok := e.value.(*ast.IntegerNode); !ok || fmt.Sprint(n.Value) != "1" {
		l.add(e.value.GetToken(), "this bot reads version 1 of the policy format")
	}
}

func (l *loader) timezone(e entry) {
	name, ok := l.text(e.value, "timezone")
	if !ok {
		return
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		l.add(e.value.GetToken(), "unknown time zone %q: write one such as Europe/Berlin", name)
		return
	}
	l.policy.location = location
}

func (l *loader) channels(e entry) {
	l.policy.channels = l.ids(e.value, "channels", channelID, "a Slack channel ID (C…), not a name")
}

// ids reads a list of Slack IDs.
func (l *loader) ids(n ast.Node, what string, shape *regexp.Regexp, wanted string) []string {
	list := l.texts(n, what)
	var out []string
	for _, id := range list {
		if !shape.MatchString(id.text) {
			l.add(id.at, "%q is not %s", id.text, wanted)
			continue
		}
		out = append(out, id.text)
	}
	return out
}

func (l *loader) groups(e entry) {
	entries, _ := l.mapping(e.value, "groups", nil)
	for _, e := range entries {
		g := &group{name: e.key}
		if e.key == Everyone || isUserID(e.key) || e.key != strings.TrimSpace(e.key) || strings.ContainsAny(e.key, "\n\t\"<>") || e.key == "" {
			l.add(e.at, "%q cannot name a group", e.key)
		}
		parts, ok := l.mapping(e.value, fmt.Sprintf("group %q", e.key), []string{"users", "usergroups"})
		for _, part := range parts {
			switch part.key {
			case "users":
				g.users = l.ids(part.value, "users", userID, "a Slack user ID (U… or W…), not a name")
			case "usergroups":
				g.usergroups = l.ids(part.value, "usergroups", usergroupID, "a Slack user group ID (S…), not a name")
			}
		}
		if ok && len(parts) == 0 {
			l.add(e.at, "group %q has nobody: list users or usergroups", e.key)
		}
		l.policy.groups = append(l.policy.groups, g)
	}
}

func (l *loader) group(name string) *group {
	i := slices.IndexFunc(l.policy.groups, func(g *group) bool { return g.name == name })
	if i < 0 {
		return nil
	}
	return l.policy.groups[i]
}

func (l *loader) groupNames() []string {
	var out []string
	for _, g := range l.policy.groups {
		out = append(out, g.name)
	}
	return out
}

// roster reads a list of groups, user IDs and, where allowed, everyone.
func (l *loader) roster(n ast.Node, what string, everyone bool) roster {
	list := l.texts(n, what)
	out := roster{}
	for _, t := range list {
		e := rosterEntry{text: t.text, group: l.group(t.text)}
		switch {
		case e.group != nil:
		case t.text == Everyone && everyone:
			e.everyone = true
		case t.text == Everyone:
			l.add(t.at, "%s cannot be everyone: name groups or user IDs", what)
			continue
		case isUserID(t.text):
			e.user = t.text
		default:
			l.add(t.at, "unknown group %q%s", t.text, suggest(t.text, l.groupNames()))
			continue
		}
		out = append(out, e)
	}
	return out
}
