package pagetest

import _ "embed"

// soundJS looks for what a screen reader or weak eyes would stumble over. It asserts
// what axe-core asserts of this page, without fetching anything.
//
//go:embed sound.js
var soundJS string

// Sound asserts that what is shown now has names, roles, lists and landmarks in order,
// and enough contrast. It is to be called once what moves has come to rest.
func (p *Page) Sound(what string) {
	p.t.Helper()
	if faults := p.Faults(); faults != "" {
		p.t.Errorf("%s:\n%s", what, faults)
	}
}

// Faults lists what Sound asserts to be absent, one a line.
func (p *Page) Faults() string {
	p.t.Helper()
	return p.Text(soundJS)
}
