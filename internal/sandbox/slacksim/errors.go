package slacksim

import "fmt"

// apiError is an answer {"ok":false,"error":code}.
type apiError struct {
	code     string
	messages []string // response_metadata.messages and errors
	needed   string   // missing_scope
}

func (e *apiError) Error() string { return e.code }

func fail(code string) *apiError { return &apiError{code: code} }

func missingArg(name string) *apiError {
	return &apiError{code: "invalid_arguments", messages: []string{"missing required field: " + name}}
}

// refusal says why Slack's client would not let a person do something.
type refusal string

func (r refusal) Error() string { return string(r) }

func refusedf(format string, a ...any) error { return refusal(fmt.Sprintf(format, a...)) }
