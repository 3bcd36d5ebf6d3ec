package slacksim

import (
	"encoding/json"
	"regexp"
	"strings"
)

// PlainText is everything a person can read of a message, one line per part: the
// text, then the blocks. People and channels are shown by name (@jane, #ops),
// buttons as [Label], table rows with " | " between cells, selects by their
// placeholder. What only shows on hovering or after a click (values, URLs of
// buttons, confirm dialogs) is left out.
func (s *Server) PlainText(m Message) string {
	s.mu.Lock()
	names := s.namesLocked()
	s.mu.Unlock()
	f := flattener{names: names}
	f.line(names.mrkdwn(m.Text))
	var blocks []map[string]any
	if json.Unmarshal(m.Blocks, &blocks) == nil {
		f.blocks(blocks)
	}
	return strings.Join(f.lines, "\n")
}

// ViewText is everything a person can read of a view, one line per part: the title, the
// blocks as PlainText has them, what the fields hold, the errors, and the submit button.
func (s *Server) ViewText(v View) string {
	s.mu.Lock()
	names := s.namesLocked()
	s.mu.Unlock()
	f := flattener{names: names}
	f.line(v.Title)
	var blocks []map[string]any
	if json.Unmarshal(v.Blocks, &blocks) == nil {
		for _, b := range blocks {
			f.blocks([]map[string]any{b})
			for _, field := range fieldsOf(encode([]any{b})) {
				f.line(v.reads(field))
			}
			f.line(v.Errors[str(b["block_id"])])
		}
	}
	if v.Submit != "" {
		f.line("[" + v.Submit + "]")
	}
	return strings.Join(f.lines, "\n")
}

// reads is what a person reads in a field: of options their text.
func (v *View) reads(f field) string {
	held := v.holds(f)
	if held == "" || !holdings[f.kind()].options {
		return held
	}
	var texts []string
	for _, line := range strings.Split(held, "\n") {
		texts = append(texts, textOf(v.option(f, line)["text"]))
	}
	return strings.Join(texts, ", ")
}

// names are how IDs are shown.
type names map[string]string

func (s *Server) namesLocked() names {
	n := names{}
	for id, u := range s.users {
		n[id] = "@" + u.Name
	}
	for id, c := range s.channels {
		n[id] = "#" + c.Name
	}
	for id, g := range s.usergroups {
		n[id] = "@" + g.Handle
	}
	return n
}

func (n names) show(id string) string {
	if name, ok := n[id]; ok {
		return name
	}
	return "<" + id + ">"
}

var reference = regexp.MustCompile(`<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>`)

// mrkdwn shows references as clients do, and undoes the escaping.
func (n names) mrkdwn(text string) string {
	shown := reference.ReplaceAllStringFunc(text, func(ref string) string {
		parts := reference.FindStringSubmatch(ref)
		kind, id, label := parts[1], parts[2], parts[3]
		switch {
		case kind == "!" && strings.HasPrefix(id, "subteam^"):
			return n.show(strings.TrimPrefix(id, "subteam^"))
		case kind == "!" && strings.HasPrefix(id, "date^"):
			return label
		case kind == "!":
			return "@" + id
		case kind != "":
			return n.show(id)
		case label != "":
			return label
		}
		return id
	})
	return unescape(shown)
}

type flattener struct {
	names names
	lines []string
}

func (f *flattener) line(text string) {
	if text != "" {
		f.lines = append(f.lines, text)
	}
}

func (f *flattener) text(v any) string {
	object, _ := v.(map[string]any)
	if object["type"] == "mrkdwn" {
		return f.names.mrkdwn(str(object["text"]))
	}
	return str(object["text"])
}

func (f *flattener) blocks(list []map[string]any) {
	for _, b := range list {
		switch str(b["type"]) {
		case "rich_text":
			f.line(flattenRich(b, f.names))
		case "table", "data_table":
			f.line(str(b["caption"]))
			f.rows(b)
		case "markdown":
			f.line(str(b["text"]))
		case "context":
			f.line(strings.Join(f.pieces(b["elements"]), " "))
		case "actions", "context_actions":
			f.line(strings.Join(f.pieces(b["elements"]), " "))
		default:
			f.other(b)
		}
	}
}

// other flattens blocks made of text objects and elements.
func (f *flattener) other(b map[string]any) {
	for _, key := range []string{"title", "subtitle", "label", "text", "body", "subtext", "hint"} {
		f.line(f.text(b[key]))
	}
	if rich, ok := b["rich_text_title"].(map[string]any); ok {
		f.line(flattenRich(rich, f.names))
	}
	for _, piece := range f.pieces(b["fields"]) {
		f.line(piece)
	}
	for _, key := range []string{"accessory", "element"} {
		if el, ok := b[key].(map[string]any); ok {
			f.line(f.element(el))
		}
	}
	f.line(strings.Join(f.pieces(b["actions"]), " "))
	children, _ := b["child_blocks"].([]any)
	for _, child := range children {
		if block, ok := child.(map[string]any); ok {
			f.blocks([]map[string]any{block})
		}
	}
}

func (f *flattener) pieces(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		el, _ := item.(map[string]any)
		if text := f.element(el); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// element flattens a text object or a block element.
func (f *flattener) element(el map[string]any) string {
	switch str(el["type"]) {
	case "plain_text", "mrkdwn":
		return f.text(el)
	case "button":
		return "[" + f.text(el["text"]) + "]"
	case "image":
		return str(el["alt_text"])
	}
	return f.text(el["placeholder"])
}

func (f *flattener) rows(b map[string]any) {
	rows, _ := b["rows"].([]any)
	for _, r := range rows {
		cells, _ := r.([]any)
		texts := make([]string, 0, len(cells))
		for _, c := range cells {
			cell, _ := c.(map[string]any)
			if cell["type"] == "rich_text" {
				texts = append(texts, flattenRich(cell, f.names))
			} else {
				texts = append(texts, str(cell["text"]))
			}
		}
		f.line(strings.Join(texts, " | "))
	}
}

// flattenRich is the text of a rich_text block or cell.
func flattenRich(b map[string]any, n names) string {
	var lines []string
	list, _ := b["elements"].([]any)
	for _, item := range list {
		el, _ := item.(map[string]any)
		if el["type"] == "rich_text_list" {
			sections, _ := el["elements"].([]any)
			for _, section := range sections {
				s, _ := section.(map[string]any)
				lines = append(lines, "• "+flattenInline(s, n))
			}
			continue
		}
		lines = append(lines, strings.TrimSuffix(flattenInline(el, n), "\n"))
	}
	return strings.Join(lines, "\n")
}

func flattenInline(el map[string]any, n names) string {
	var b strings.Builder
	list, _ := el["elements"].([]any)
	for _, item := range list {
		piece, _ := item.(map[string]any)
		switch str(piece["type"]) {
		case "user":
			b.WriteString(n.show(str(piece["user_id"])))
		case "usergroup":
			b.WriteString(n.show(str(piece["usergroup_id"])))
		case "channel":
			b.WriteString(n.show(str(piece["channel_id"])))
		case "emoji":
			b.WriteString(":" + str(piece["name"]) + ":")
		case "broadcast":
			b.WriteString("@" + str(piece["range"]))
		case "color":
			b.WriteString(str(piece["value"]))
		case "date":
			b.WriteString(str(piece["fallback"]))
		case "link":
			if text := str(piece["text"]); text != "" {
				b.WriteString(text)
			} else {
				b.WriteString(str(piece["url"]))
			}
		default:
			b.WriteString(str(piece["text"]))
		}
	}
	return b.String()
}
