package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"autoscalebot/internal/sandbox/slacksim"
)

// Shortcut uses a global shortcut of the app, by its name.
func (p *Person) Shortcut(name string) *slacksim.Delivery { return p.w.Slack.Shortcut(p.id, name) }

// MessageShortcut uses a shortcut of the app on a message, by its name.
func (p *Person) MessageShortcut(m slacksim.Message, name string) *slacksim.Delivery {
	return p.w.Slack.MessageShortcut(p.id, m.Channel, m.TS, name)
}

// OpenHome opens the app's Home tab. What the app publishes is awaited by Home.
func (p *Person) OpenHome() *slacksim.Delivery { return p.w.Slack.OpenHome(p.id) }

// Form is a modal that a person has open, or the Home tab. Its fields are named by
// action_id, by block_id or by their label.
type Form struct {
	p  *Person
	id string
}

// Form waits until the topmost modal holds the text, in its title or its blocks.
func (p *Person) Form(ctx context.Context, text string) (*Form, error) {
	return p.view(ctx, "modal", text)
}

// Home waits until the Home tab holds the text.
func (p *Person) Home(ctx context.Context, text string) (*Form, error) {
	return p.view(ctx, "home", text)
}

func (p *Person) view(ctx context.Context, kind, text string) (*Form, error) {
	var found *Form
	seen := ""
	err := p.w.Slack.Wait(ctx, func(s *slacksim.Snapshot) bool {
		for _, v := range slices.Backward(s.Views) {
			if v.UserID != p.id || v.Type != kind {
				continue
			}
			seen = p.w.Slack.ViewText(v)
			if strings.Contains(seen, text) {
				found = &Form{p, v.ID}
			}
			break
		}
		return found != nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s looks for a %s with %q, and sees:\n%s\n%w", p.id, kind, text, seen, err)
	}
	return found, nil
}

// now is the view as it is, or false where it is closed.
func (f *Form) now() (slacksim.View, bool) {
	views := f.p.w.Slack.OpenViews(f.p.id)
	i := slices.IndexFunc(views, func(v slacksim.View) bool { return v.ID == f.id })
	if i < 0 {
		return slacksim.View{}, false
	}
	return views[i], true
}

// Open reports whether the form is still open.
func (f *Form) Open() bool {
	_, open := f.now()
	return open
}

// Text is everything that can be read in the form, as slacksim.Server.ViewText writes it.
func (f *Form) Text() string {
	v, _ := f.now()
	return f.p.w.Slack.ViewText(v)
}

// Sees waits until the form holds the text, as after an update.
func (f *Form) Sees(ctx context.Context, text string) error {
	err := f.p.w.Slack.Wait(ctx, func(*slacksim.Snapshot) bool { return strings.Contains(f.Text(), text) })
	if err != nil {
		return fmt.Errorf("%s looks for %q in a form, and sees:\n%s\n%w", f.p.id, text, f.Text(), err)
	}
	return nil
}

// Errors are the texts that the app's last answer put under fields, by block_id.
func (f *Form) Errors() map[string]string {
	v, _ := f.now()
	return v.Errors
}

// Value is what a field holds, "" for nothing: as slacksim.Entered has it.
func (f *Form) Value(name string) string {
	v, _ := f.now()
	el, err := element(v, name)
	if err != nil {
		return ""
	}
	return v.Holds(el.blockID, el.actionID)
}

// Type puts text into a field. A field that tells the app at once does so: then the
// Delivery is not nil.
func (f *Form) Type(name, text string) (*slacksim.Delivery, error) {
	v, _ := f.now()
	el, err := element(v, name)
	if err != nil {
		return nil, err
	}
	return f.put(el, text)
}

// Choose chooses the option that reads text in a select, radio buttons or checkboxes,
// typing it first where the app brings the options. A field that tells the app at once
// does so: then the Delivery is not nil.
func (f *Form) Choose(ctx context.Context, name, text string) (*slacksim.Delivery, error) {
	v, _ := f.now()
	el, err := element(v, name)
	if err != nil {
		return nil, err
	}
	options := optionsIn(el.json)
	if strings.HasSuffix(el.kind, "external_select") {
		if options, err = f.offered(ctx, el, text); err != nil {
			return nil, err
		}
	}
	for _, o := range options {
		if o.text == text || o.value == text {
			return f.put(el, o.value)
		}
	}
	return nil, fmt.Errorf("%s has no option %q: %v", name, text, texts(options))
}

// Options types a query into an external select, and waits for the app's answer: the
// texts of its options, in order. It fails where Slack shows that they could not be loaded.
func (f *Form) Options(ctx context.Context, name, query string) ([]string, error) {
	v, _ := f.now()
	el, err := element(v, name)
	if err != nil {
		return nil, err
	}
	options, err := f.offered(ctx, el, query)
	return texts(options), err
}

// Press presses a button of the form by its text, or by its action_id.
func (f *Form) Press(label string) (*slacksim.Delivery, error) {
	v, _ := f.now()
	for _, el := range elements(v) {
		if el.kind == "button" && (el.label == label || el.actionID == label) {
			return f.sent(f.p.w.Slack.Act(f.p.id, f.id, el.blockID, el.actionID, "", nil))
		}
	}
	return nil, fmt.Errorf("the form has no button %q:\n%s", label, f.Text())
}

// Submit presses the submit button. It fails where Slack's client would not send.
func (f *Form) Submit() (*slacksim.Delivery, error) {
	return f.sent(f.p.w.Slack.Submit(f.p.id, f.id, nil))
}

// Close closes the form without sending it.
func (f *Form) Close() { f.p.w.Slack.CloseView(f.p.id, f.id) }

func (f *Form) put(el formElement, value string) (*slacksim.Delivery, error) {
	if !el.dispatches {
		return nil, f.p.w.Slack.Enter(f.p.id, f.id, slacksim.Entered{el.blockID: {el.actionID: value}})
	}
	return f.sent(f.p.w.Slack.Act(f.p.id, f.id, el.blockID, el.actionID, value, nil))
}

// sent is a delivery, and why Slack's client would not have sent it.
func (*Form) sent(d *slacksim.Delivery) (*slacksim.Delivery, error) {
	err := d.Err()
	return d, err
}

func (f *Form) offered(ctx context.Context, el formElement, query string) ([]formOption, error) {
	d := f.p.w.Slack.Suggest(f.p.id, f.id, el.blockID, el.actionID, query, nil)
	if err := d.WaitAck(ctx); err != nil {
		return nil, err
	}
	v, _ := f.now()
	for _, g := range v.Suggestions {
		if g.BlockID == el.blockID && g.ActionID == el.actionID && g.Query == query && !g.Trouble {
			return append(optionList(g.Options), groupList(g.Groups)...), nil
		}
	}
	return nil, fmt.Errorf("%s could not load options for %q", el.actionID, query)
}

// formElement is one interactive element of a view.
type formElement struct {
	blockID, actionID string
	kind, label       string
	dispatches        bool
	json              json.RawMessage
}

func element(v slacksim.View, name string) (formElement, error) {
	all := elements(v)
	for _, same := range []func(formElement) bool{
		func(el formElement) bool { return el.actionID == name },
		func(el formElement) bool { return el.blockID == name },
		func(el formElement) bool { return strings.EqualFold(el.label, name) },
	} {
		if i := slices.IndexFunc(all, same); i >= 0 {
			return all[i], nil
		}
	}
	var names []string
	for _, el := range all {
		names = append(names, el.actionID)
	}
	return formElement{}, fmt.Errorf("the form has no field %q, but %v", name, names)
}

type words struct {
	Text string `json:"text"`
}

// elements lists the interactive elements of a view, in order.
func elements(v slacksim.View) []formElement {
	var blocks []struct {
		Type      string            `json:"type"`
		BlockID   string            `json:"block_id"`
		Label     words             `json:"label"`
		Dispatch  bool              `json:"dispatch_action"`
		Element   json.RawMessage   `json:"element"`
		Accessory json.RawMessage   `json:"accessory"`
		Elements  []json.RawMessage `json:"elements"`
	}
	if json.Unmarshal(v.Blocks, &blocks) != nil {
		return nil
	}
	var out []formElement
	for _, b := range blocks {
		all := []json.RawMessage{b.Element, b.Accessory}
		if b.Type == "actions" {
			all = append(all, b.Elements...)
		}
		for _, raw := range all {
			var el struct {
				Type     string          `json:"type"`
				ActionID string          `json:"action_id"`
				Text     json.RawMessage `json:"text"`
			}
			if raw == nil || json.Unmarshal(raw, &el) != nil || el.ActionID == "" {
				continue
			}
			label := b.Label
			if el.Type == "button" {
				_ = json.Unmarshal(el.Text, &label) // Checked by Slack before.
			}
			out = append(out, formElement{
				blockID: b.BlockID, actionID: el.ActionID, kind: el.Type, label: label.Text,
				dispatches: b.Type != "input" || b.Dispatch, json: raw,
			})
		}
	}
	return out
}

type formOption struct{ text, value string }

func texts(options []formOption) []string {
	out := []string{}
	for _, o := range options {
		out = append(out, o.text)
	}
	return out
}

// optionsIn lists the options that stand in an element.
func optionsIn(raw json.RawMessage) []formOption {
	var el struct {
		Options json.RawMessage `json:"options"`
		Groups  json.RawMessage `json:"option_groups"`
	}
	if json.Unmarshal(raw, &el) != nil {
		return nil
	}
	return append(optionList(el.Options), groupList(el.Groups)...)
}

func optionList(raw json.RawMessage) []formOption {
	var list []struct {
		Text  words  `json:"text"`
		Value string `json:"value"`
	}
	if raw == nil || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var out []formOption
	for _, o := range list {
		out = append(out, formOption{o.Text.Text, o.Value})
	}
	return out
}

func groupList(raw json.RawMessage) []formOption {
	var groups []struct {
		Options json.RawMessage `json:"options"`
	}
	if raw == nil || json.Unmarshal(raw, &groups) != nil {
		return nil
	}
	var out []formOption
	for _, g := range groups {
		out = append(out, optionList(g.Options)...)
	}
	return out
}
