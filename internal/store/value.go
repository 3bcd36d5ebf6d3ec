package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// millis keeps a time as milliseconds since 1970, the zero time as NULL, and reads
// it back in UTC.
type millis struct{ t *time.Time }

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

// document keeps a value as JSON text. A document that was read and not altered is
// written back letter by letter: a newer replica may have put things in it that
// this program does not know and must not lose.
type document struct {
	v any // pointer
	// text was read, and known is what this program would write for it.
	text, known []byte
}

func doc(v any) *document { return &document{v: v} }

// Value implements driver.Valuer.
func (d *document) Value() (driver.Value, error) {
	now, err := json.Marshal(d.v)
	if err != nil {
		return nil, err
	}
	if d.text != nil && bytes.Equal(now, d.known) {
		return string(d.text), nil
	}
	return string(now), nil
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
	if err := json.Unmarshal(d.text, d.v); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	var err error
	d.known, err = json.Marshal(d.v)
	return err
}

// rawJSON keeps JSON that this package does not look into; absent is NULL.
type rawJSON struct{ v *json.RawMessage }

// Value implements driver.Valuer.
func (j rawJSON) Value() (driver.Value, error) {
	if len(*j.v) == 0 {
		return nil, nil
	}
	if !json.Valid(*j.v) {
		return nil, fmt.Errorf("write JSON: not valid")
	}
	return string(*j.v), nil
}

// Scan implements sql.Scanner.
func (j rawJSON) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*j.v = nil
	case string:
		*j.v = json.RawMessage(v)
	case []byte:
		*j.v = bytes.Clone(v)
	default:
		return fmt.Errorf("read JSON: %T is not text", src)
	}
	return nil
}
