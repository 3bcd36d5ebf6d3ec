package app_test

import (
	"testing"
)

// For how long a change is to hold is chosen in the form, or typed there.
func TestFormForATime(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "For how long")
	f.enter("max", "7")
	f.sees("You may do this at once")
	f.choose("For how long", "2 h, then back")
	f.sees("For 2 h, then back to max 4")
	f.choose("For how long", "Until a time, or another length…")
	f.sees("How long, or until when")
	f.enter("end_text", "soon")
	f.sees("Type how long")
	f.refused("Type how long")
	f.enter("end_text", "3h")
	f.sees("For 3 h, then back to max 4")
	f.sent()
	s.sees("Ben", "then back to max 4")

	// One that begins with a request begins with its time.
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=20 for=4h")
	s.sees("Lea", "For 4 h, then back to max 4") // 7 holds for 3 h only
	s.click("Lea", "Change…")
	f = s.opens("Lea", "In place of")
	f.sees("For how long")
	f.holds("For how long", "4h")
}
