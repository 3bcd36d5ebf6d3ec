// Package policyfile reads a policy from its YAML file, and runs the tests in it.
//
// It is strict: an unknown key, group, effect, setting or variable, a value of
// another kind, and whatever YAML would take in silence (aliases, keys that stand
// twice, a second document, a number where a text belongs) refuse to load, with every
// mistake at once, its line and a caret under it. A typo must never become an allow.
//
// The decoder of goccy/go-yaml fills the structs of file.go; the kinds of values in
// them know their place in the file and note what is wrong with them.
//
// It does not decide anything (package authz does), does not judge conditions
// (package condition), and does not know the grammar of commands (see
// [ParseCommand]). Whether the people, models and targets in a policy exist is asked
// by `bot check`.
package policyfile
