package baseten

import (
	"fmt"
	"math"
	"strings"
)

// InvalidCode names why a value cannot be sent.
type InvalidCode string

// Why a value cannot be sent.
const (
	OutOfRange      InvalidCode = "out_of_range"
	NoSetting       InvalidCode = "no_setting"
	UnknownSetting  InvalidCode = "unknown_setting"
	FixedReplicas   InvalidCode = "fixed_replicas"    // of the development deployment
	MinAboveMax     InvalidCode = "min_above_max"     // Other is the max asked for
	MinAboveCurrent InvalidCode = "min_above_current" // Other is the max in force
	MaxBelowCurrent InvalidCode = "max_below_current" // Other is the min in force
	MaxNotKnown     InvalidCode = "max_not_known"     // so that min cannot be compared
	MinNotKnown     InvalidCode = "min_not_known"     // so that max cannot be compared
)

// InvalidError says that a value cannot be sent: facts, of which Error makes one
// plain sentence for people, with what to type instead.
type InvalidError struct {
	Code InvalidCode `json:"code"`
	// Field is the setting that is wrong, "" if it is the change as a whole.
	Field Field `json:"field,omitempty"`
	// Value is what was asked for, Other what it does not fit to.
	Value int `json:"value,omitempty"`
	Other int `json:"other,omitempty"`
}

// Error is the sentence.
func (e *InvalidError) Error() string {
	row, _ := Lookup(e.Field)
	switch e.Code {
	case OutOfRange:
		return row.Word + " " + row.bounds(e.Value)
	case NoSetting:
		return "no setting is given; write one, such as max=4"
	case FixedReplicas:
		return "Baseten fixes min 0 and max 1 on the development deployment; leave min and max out"
	case MinAboveMax:
		return fmt.Sprintf("min %d is above max %d", e.Value, e.Other)
	case MinAboveCurrent:
		return fmt.Sprintf("min %d would be above the current max %d; set max too, e.g. max=%d", e.Value, e.Other, e.Value)
	case MaxBelowCurrent:
		return fmt.Sprintf("max %d would be below the current min %d; set min too, e.g. min=%d", e.Value, e.Other, e.Value)
	case MaxNotKnown:
		return fmt.Sprintf("the current max is not known, so min %d cannot be checked against it; set max too", e.Value)
	case MinNotKnown:
		return fmt.Sprintf("the current min is not known, so max %d cannot be checked against it; set min too", e.Value)
	default:
		return fmt.Sprintf("%s is not a setting; the settings are %s", e.Field, settingWords())
	}
}

// bounds says what a value outside the setting's range should be.
func (s Setting) bounds(v int) string {
	switch {
	case s.Most != math.MaxInt32:
		return fmt.Sprintf("must be from %d to %s, not %s", s.Least, s.Format(s.Most), s.Format(v))
	case v < s.Least:
		return fmt.Sprintf("must be at least %s, not %s", s.Format(s.Least), s.Format(v))
	default:
		return fmt.Sprintf("must be at most %d, not %d", s.Most, v)
	}
}

// Check reports, as an *InvalidError, a value outside the setting's range.
func (s Setting) Check(v int) error {
	if v < s.Least || v > s.Most {
		return &InvalidError{Code: OutOfRange, Field: s.Field, Value: v}
	}
	return nil
}

// Check reports, as an *InvalidError, why touched must not be sent to a target
// whose settings are current: nothing in it, a value out of range, min above max
// as they would stand afterwards, or replicas of the development deployment.
// Baseten checks no ranges in its schema, so that these would come back as its
// errors at best. A limit of the organisation is Baseten's to know.
func Check(touched, current Settings, development bool) error {
	if len(touched) == 0 {
		return &InvalidError{Code: NoSetting}
	}
	for f := range touched {
		if _, ok := Lookup(f); !ok {
			return &InvalidError{Code: UnknownSetting, Field: f}
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
			return &InvalidError{Code: FixedReplicas, Field: f}
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
			return &InvalidError{Code: MinAboveMax, Field: MinReplica, Value: least, Other: most}
		}
	case setsMin:
		now, known := current[MaxReplica]
		if !known {
			return &InvalidError{Code: MaxNotKnown, Field: MinReplica, Value: least}
		}
		if least > now {
			return &InvalidError{Code: MinAboveCurrent, Field: MinReplica, Value: least, Other: now}
		}
	case setsMax:
		now, known := current[MinReplica]
		if !known {
			return &InvalidError{Code: MinNotKnown, Field: MaxReplica, Value: most}
		}
		if most < now {
			return &InvalidError{Code: MaxBelowCurrent, Field: MaxReplica, Value: most, Other: now}
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
