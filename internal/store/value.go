package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"autoscalebot/internal/change"
)

// values turns arguments into what both drivers take alike: numbers, text, booleans
// and NULL. What cannot be stored in either database is ErrUnwritable.
func values(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, arg := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if s, ok := v.(string); ok && (strings.ContainsRune(s, 0) || !utf8.ValidString(s)) {
			err = errors.New("text holds NUL or is not UTF-8")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: argument %d: %w", change.ErrUnwritable, i+1, err)
		}
		out[i] = v
	}
	return out, nil
}

// millis keeps a time as milliseconds since 1970, the zero time as NULL, and reads
// it back in UTC.
type millis struct{ t *time.Time }

func at(t time.Time) millis { return millis{&t} }

// Value implements driver.Valuer.
func (m millis) Value() (driver.Value, error) {
	if m.t.IsZero() {
		return nil, nil
	}
	return m.t.UnixMilli(), nil
}

// Scan implements sql.Scanner.
func (m millis) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m.t = time.Time{}
	case int64:
		*m.t = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("read time: %T is not a number", src)
	}
	return nil
}

// stored returns t as it reads back once it was stored.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// document keeps a value as JSON text, a zero value as "". A document that was read
// and not altered is written back letter by letter: a newer replica may have put
// things in it that this program does not know and must not lose.
type document struct {
	v    any    // pointer
	text []byte // as it was read
}

func doc(v any) *document { return &document{v: v} }

// Value implements driver.Valuer.
func (d *document) Value() (driver.Value, error) {
	now, err := marshal(d.v)
	if err != nil {
		return nil, err
	}
	if len(d.text) == 0 || bytes.Equal(now, d.text) {
		return string(now), nil
	}
	read := reflect.New(reflect.TypeOf(d.v).Elem()).Interface()
	if err := json.Unmarshal(d.text, read); err != nil {
		return nil, err
	}
	if known, err := marshal(read); err == nil && bytes.Equal(now, known) {
		return string(d.text), nil
	}
	return string(now), nil
}

func marshal(v any) ([]byte, error) {
	if reflect.ValueOf(v).Elem().IsZero() {
		return nil, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // people read it too
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// Scan implements sql.Scanner.
func (d *document) Scan(src any) error {
	switch v := src.(type) {
	case string:
		d.text = []byte(v)
	case []byte:
		d.text = bytes.Clone(v)
	default:
		return fmt.Errorf("read JSON: %T is not text", src)
	}
	if len(d.text) == 0 {
		return nil
	}
	if err := json.Unmarshal(d.text, d.v); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return nil
}
