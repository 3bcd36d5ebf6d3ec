package baseten

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestMessage bounds Baseten's sentence, in characters.
const longestMessage = 300

// readErrorBody finds Baseten's code and sentence in the body of an error. No
// schema exists for it: the shapes seen are {"code","message"}, {"error":"…"},
// {"error":{"message"}}, {"detail":"…"}, pydantic's {"detail":[{"loc","msg"}]} and
// plain text. A body that people cannot read gives "".
func readErrorBody(body []byte) (code, message string) {
	body = bytes.TrimSpace(body)
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return "", clean(sentence(body))
	}
	code = scalar(object["code"])
	for _, key := range []string{"message", "error", "detail", "errors"} {
		raw, ok := object[key]
		if !ok {
			continue
		}
		if code == "" {
			code = nestedCode(raw)
		}
		if text := clean(sentence(raw)); text != "" {
			return clean(code), text
		}
	}
	if code != "" || len(object) == 0 {
		return clean(code), ""
	}
	return "", clean(string(body))
}

// sentence reads one of the values in which a sentence hides; text that is not
// JSON is the sentence itself.
func sentence(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		parts := make([]string, 0, len(list))
		for _, item := range list {
			if part := sentence(item); part != "" {
				parts = append(parts, part)
			}
		}
		return strings.Join(parts, "; ")
	}
	var problem struct {
		Message json.RawMessage `json:"message"`
		Msg     string          `json:"msg"`
		Loc     []any           `json:"loc"`
	}
	if err := json.Unmarshal(raw, &problem); err != nil {
		if json.Valid(raw) {
			return ""
		}
		return string(raw)
	}
	if problem.Message != nil {
		return sentence(problem.Message)
	}
	if place := location(problem.Loc); place != "" && problem.Msg != "" {
		return place + ": " + problem.Msg
	}
	return problem.Msg
}

// location writes pydantic's ["body", "max_replicas"] as max_replicas.
func location(loc []any) string {
	parts := make([]string, 0, len(loc))
	for i, step := range loc {
		if i == 0 && step == "body" {
			continue
		}
		parts = append(parts, fmt.Sprint(step))
	}
	return strings.Join(parts, ".")
}

func nestedCode(raw json.RawMessage) string {
	var nested struct {
		Code json.RawMessage `json:"code"`
	}
	if json.Unmarshal(raw, &nested) != nil {
		return ""
	}
	return scalar(nested.Code)
}

// scalar reads a string or a number as text, anything else as "".
func scalar(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

// clean makes one readable line of what a server sent, or "" where it sent a page
// or bytes.
func clean(text string) string {
	if !utf8.ValidString(text) || isPage(text) {
		return ""
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > longestMessage {
		return string([]rune(text)[:longestMessage-1]) + "…"
	}
	return text
}

// isPage tells HTML and XML, which edges and proxies answer with, from a sentence.
func isPage(text string) bool {
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		return true
	}
	lower := strings.ToLower(text)
	for _, tag := range []string{"<html", "<!doctype", "<body", "<head", "</"} {
		if strings.Contains(lower, tag) {
			return true
		}
	}
	return false
}
