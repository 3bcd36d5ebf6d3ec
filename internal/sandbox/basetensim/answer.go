package basetensim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// answer is an HTTP answer before it is written.
type answer struct {
	status int
	header http.Header // in addition to Content-Type
	body   any         // marshalled as JSON, unless it is text
}

// text is a body that is not JSON.
type text struct{ contentType, content string }

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// apiError is one of the error shapes that Baseten's clients have met: the text
// under a single key.
func apiError(status int, key, message string) answer {
	return answer{status: status, body: map[string]any{key: message}}
}

// invalid is the shape of a refused body.
func invalid(message string) answer {
	return answer{status: http.StatusBadRequest, body: map[string]any{"code": "VALIDATION_ERROR", "message": message}}
}

func notFound(what string) answer {
	return apiError(http.StatusNotFound, "error", what+" not found")
}

// write sends the answer and notes its status with the call.
func write(w http.ResponseWriter, call *Call, s *Server, ans answer) {
	s.recordStatus(call, ans.status)
	for key, values := range ans.header {
		w.Header()[key] = values
	}
	contentType, content := ans.encode()
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(ans.status)
	w.Write(content) //nolint:gosec // an API for programs; no browser renders it
}

func (ans answer) encode() (contentType string, content []byte) {
	if t, isText := ans.body.(text); isText {
		return t.contentType, []byte(t.content)
	}
	content, err := json.Marshal(ans.body)
	if err != nil {
		panic(fmt.Sprintf("basetensim: marshal answer: %v", err)) // a defect here, not in the client
	}
	return "application/json", content
}
