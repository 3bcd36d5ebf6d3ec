package slacksim

import "fmt"

// richText checks the structure of a rich_text block or table cell.
func (k *checker) richText(b map[string]any, at string) {
	list, ok := b["elements"].([]any)
	if !ok {
		k.fail(at, "missing required field: elements")
		return
	}
	for i, item := range list {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		el, _ := item.(map[string]any)
		switch kind := str(el["type"]); kind {
		case "rich_text_section":
			k.known(el, here, "type", "elements")
			k.inline(el, here, anyInline)
		case "rich_text_quote":
			k.known(el, here, "type", "elements", "border")
			k.inline(el, here, anyInline)
		case "rich_text_preformatted":
			k.known(el, here, "type", "elements", "border", "language")
			k.inline(el, here, func(kind string) bool { return kind == "text" || kind == "link" })
		case "rich_text_list":
			k.richList(el, here)
		default:
			k.fail(here, "unsupported type: "+kind)
		}
	}
}

func (k *checker) richList(el map[string]any, at string) {
	k.known(el, at, "type", "elements", "style", "indent", "border", "offset")
	if el["style"] != "bullet" && el["style"] != "ordered" {
		k.fail(at+"/style", "value is not one of the allowed values")
	}
	items, ok := el["elements"].([]any)
	if !ok {
		k.fail(at, "missing required field: elements")
		return
	}
	for i, item := range items {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		section, _ := item.(map[string]any)
		if section["type"] != "rich_text_section" {
			k.fail(here, "unsupported type: "+str(section["type"]))
			continue
		}
		k.inline(section, here, anyInline)
	}
}

func anyInline(string) bool { return true }

// inline checks the pieces of a section, quote, preformatted text or list item.
func (k *checker) inline(el map[string]any, at string, allowed func(kind string) bool) {
	list, ok := el["elements"].([]any)
	if !ok {
		k.fail(at, "missing required field: elements")
		return
	}
	for i, item := range list {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		piece, _ := item.(map[string]any)
		kind := str(piece["type"])
		required, known := inlineField(kind)
		switch {
		case !known, !allowed(kind):
			k.fail(here, "unsupported type: "+kind)
			continue
		case required == "timestamp":
			if piece["timestamp"] == nil {
				k.fail(here, "missing required field: timestamp")
			}
		case str(piece[required]) == "" && piece[required] != nil:
			k.fail(here+"/"+required, "must be more than 0 characters")
		case str(piece[required]) == "":
			k.fail(here, "missing required field: "+required)
		}
		k.style(piece["style"], here+"/style")
	}
}

// inlineField is the field without which a piece of rich text says nothing.
func inlineField(kind string) (required string, known bool) {
	switch kind {
	case "text":
		return "text", true
	case "link":
		return "url", true
	case "user":
		return "user_id", true
	case "usergroup":
		return "usergroup_id", true
	case "channel":
		return "channel_id", true
	case "emoji":
		return "name", true
	case "broadcast":
		return "range", true
	case "color":
		return "value", true
	case "team":
		return "team_id", true
	case "date":
		return "timestamp", true
	}
	return "", false
}

func (k *checker) style(v any, at string) {
	if v == nil {
		return
	}
	style, ok := v.(map[string]any)
	if !ok {
		k.fail(at, "must be an object")
		return
	}
	k.known(style, at, "bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
	for name, on := range style {
		if _, isBool := on.(bool); !isBool {
			k.fail(at+"/"+name, "must be a boolean")
		}
	}
}
