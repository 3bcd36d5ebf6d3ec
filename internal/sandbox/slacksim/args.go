package slacksim

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is more than any call the simulation takes.
const maxBody = 4 << 20

// args are the arguments of a Web API call. Values that were JSON, in a JSON
// body, are kept as JSON text, which is also how forms carry them.
type args map[string]string

// has reports whether an argument was sent at all, empty or not.
func (a args) has(key string) bool { _, ok := a[key]; return ok }

func (a args) bool(key string) bool { return a[key] == "true" || a[key] == "1" }

// readArgs reads the whole request; the token is returned apart, so that it is in
// no record. inHeader reports where it was found.
func readArgs(r *http.Request) (a args, isJSON bool, token string, inHeader bool, code string) {
	a = args{}
	for key, values := range r.URL.Query() {
		a[key] = values[0]
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return a, false, "", false, "request_timeout"
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(body) == 0:
	case kind == "application/json":
		isJSON = true
		var fields map[string]json.RawMessage
		if json.Unmarshal(body, &fields) != nil {
			return a, true, "", false, "invalid_json"
		}
		for key, raw := range fields {
			a[key] = rawArg(raw)
		}
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return a, false, "", false, "invalid_form_data"
		}
		for key, values := range form {
			a[key] = values[0]
		}
	case kind == "":
		return a, false, "", false, "missing_post_type"
	default:
		return a, false, "", false, "invalid_post_type"
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token, inHeader = bearer, true
	} else {
		token = a["token"]
	}
	delete(a, "token")
	return a, isJSON, token, inHeader, ""
}

func rawArg(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if bytes.Equal(raw, []byte("null")) {
		return ""
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return string(raw)
	}
	return compact.String()
}
