package baseten

import (
	"fmt"
	"math"
	"strings"
)

// InvalidError says that a value cannot be sent. Its text is one plain sentence
// for people, with what to type instead.
type InvalidError struct {
	// Field is the setting that is wrong, "" if it is the change as a whole.
	Field Field
	Text  string
}

// Error is the sentence.
func (e *InvalidError) Error() string { return e.Text }

// Check reports, as an *InvalidError, a value outside the setting's range.
func (s Setting) Check(v int) error {
	bad := func(format string, args ...any) error {
		return &InvalidError{Field: s.Field, Text: s.Word + " " + fmt.Sprintf(format, args...)}
	}
	switch {
	case v >= s.Least && v <= s.Most:
		return nil
	case s.Most != math.MaxInt32:
		return bad("must be from %d to %s, not %s", s.Least, s.Format(s.Most), s.Format(v))
	case v < s.Least:
		return bad("must be at least %s, not %s", s.Format(s.Least), s.Format(v))
	default:
		return bad("must be at most %d, not %d", s.Most, v)
	}
}

// Check reports, as an *InvalidError, why touched must not be sent to a target
// whose settings are current: nothing in it, a value out of range, min above max
// as they would stand afterwards, or replicas of the development deployment.
// Baseten checks no ranges in its schema, so that these would come back as its
// errors at best. A limit of the organisation is Baseten's to know.
func Check(touched, current Settings, development bool) error {
	if len(touched) == 0 {
		return &InvalidError{Text: "no setting is given; write one, such as max=4"}
	}
	for f := range touched {
		if _, ok := Lookup(f); !ok {
			return &InvalidError{Field: f, Text: fmt.Sprintf("%s is not a setting; the settings are %s", f, settingWords())}
		}
	}
	fields := touched.Fields()
	for _, f := range fields {
		row, _ := Lookup(f)
		if err := row.Check(touched[f]); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if development && (f == MinReplica || f == MaxReplica) {
			return &InvalidError{Field: f, Text: "Baseten fixes min 0 and max 1 on the development deployment; leave min and max out"}
		}
	}
	return checkReplicas(touched, current)
}

// checkReplicas compares min with max as they would stand afterwards.
func checkReplicas(touched, current Settings) error {
	least, setsMin := touched[MinReplica]
	most, setsMax := touched[MaxReplica]
	switch {
	case setsMin && setsMax:
		if least > most {
			return &InvalidError{Field: MinReplica, Text: fmt.Sprintf("min %d is above max %d", least, most)}
		}
	case setsMin:
		now, known := current[MaxReplica]
		if !known {
			return &InvalidError{Field: MinReplica, Text: fmt.Sprintf("the current max is not known, so min %d cannot be checked against it; set max too", least)}
		}
		if least > now {
			return &InvalidError{Field: MinReplica, Text: fmt.Sprintf("min %d would be above the current max %d; set max too, e.g. max=%d", least, now, least)}
		}
	case setsMax:
		now, known := current[MinReplica]
		if !known {
			return &InvalidError{Field: MaxReplica, Text: fmt.Sprintf("the current min is not known, so max %d cannot be checked against it; set min too", most)}
		}
		if most < now {
			return &InvalidError{Field: MaxReplica, Text: fmt.Sprintf("max %d would be below the current min %d; set min too, e.g. min=%d", most, now, most)}
		}
	}
	return nil
}

func settingWords() string {
	words := make([]string, len(AllSettings))
	for i, row := range AllSettings {
		words[i] = row.Word
	}
	return strings.Join(words, ", ")
}
