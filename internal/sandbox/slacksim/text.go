package slacksim

import (
	"bytes"
	"encoding/json"
	"strings"
)

// encode marshals a value of the simulation itself, which cannot fail. Text stays
// readable: < > & are not escaped.
func encode(v any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// escape is what Slack does to text that a person types.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// unescape undoes escape, once.
func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// str is v when it is a string, else "".
func str(v any) string {
	text, _ := v.(string)
	return text
}

// textOf is the text of a text object.
func textOf(v any) string {
	object, _ := v.(map[string]any)
	return str(object["text"])
}

// number is v when it is a JSON number, however it was decoded.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	}
	return 0, false
}
