package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"autoscalebot/internal/change"
)

// Head is the end of the audit log's chain: the number of the last event and its
// hash. Whoever keeps it elsewhere can tell later whether the log was rewritten.
type Head struct {
	Seq  int64
	Hash string
}

// String writes the head as ParseHead reads it: 12:9f86d0….
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

var headText = regexp.MustCompile(`^([1-9][0-9]{0,17}):([0-9a-f]{64})$`)

// ParseHead reads a head as String writes it.
func ParseHead(text string) (Head, error) {
	m := headText.FindStringSubmatch(text)
	if m == nil {
		return Head{}, fmt.Errorf("%q is no head of the audit log: write SEQ:HASH, as it was logged", text)
	}
	seq, err := strconv.ParseInt(m[1], 10, 64)
	return Head{seq, m[2]}, err
}

// ErrChain means that the audit log is not as it was written.
var ErrChain = errors.New("the audit log is not as it was written")

// link is the hash of an event: of its number, the hash before, and its columns.
// Names and lengths keep one value from passing for another. Empty values are left
// out, so that a column that is added later leaves the hashes of old events as
// they are.
func link(seq int64, prev string, value func(i int) string) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d %s\n", seq, prev) // a hash takes everything
	for i, name := range eventNames {
		if v := value(i); v != "" {
			_, _ = fmt.Fprintf(h, "%s %d %s\n", name, len(v), v)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

const (
	lockHead   = `SELECT seq, hash, {now} FROM chain{lock}`
	updateHead = `UPDATE chain SET seq = $1, hash = $2`
)

var errNoHead = fmt.Errorf("%w: its head is missing", ErrChain)

// chain appends events, in the order given. An event without a time gets the
// database's now.
func chain(ctx context.Context, t tx, events []change.Event) error {
	if len(events) == 0 {
		return nil
	}
	var now time.Time
	head, err := one(ctx, t, errNoHead, func(row row) (h Head, err error) {
		err = row.Scan(&h.Seq, &h.Hash, millis{&now})
		return h, err
	}, lockHead, t.d.clock())
	if err != nil {
		return fmt.Errorf("lock the audit log: %w", err)
	}
	for _, e := range events {
		if e.At.IsZero() {
			e.At = now
		}
		cols, err := values(refs(eventColumns(&e)))
		if err != nil {
			return fmt.Errorf("write event %s: %w", e.Kind, err)
		}
		seq, prev := head.Seq+1, head.Hash
		hash := link(seq, prev, func(i int) string {
			if cols[i] == nil {
				return ""
			}
			return fmt.Sprint(cols[i]) // a number or text
		})
		if _, err := t.exec(ctx, insertEvent, append([]any{seq, prev, hash}, cols...)...); err != nil {
			return fmt.Errorf("write event %s: %w", e.Kind, err)
		}
		head = Head{seq, hash}
	}
	_, err = t.exec(ctx, updateHead, head.Seq, head.Hash)
	return err
}

// Head returns the end of the audit log.
func (r *Reader) Head(ctx context.Context) (Head, error) {
	head, err := one(ctx, r.db, errNoHead, func(row row) (h Head, err error) {
		err = row.Scan(&h.Seq, &h.Hash)
		return h, err
	}, `SELECT seq, hash FROM chain`)
	if err != nil {
		return Head{}, fmt.Errorf("read the audit log's head: %w", err)
	}
	return head, nil
}

// selectChain reads the head with the events, so that both are of one moment.
var selectChain = `SELECT (SELECT seq FROM chain), (SELECT hash FROM chain), ` + strings.Join(chainedNames, `, `) +
	` FROM events ORDER BY events.seq`

// Verify walks the audit log from its first event to its last and returns its head.
// Kept is a head that was read earlier and kept elsewhere, zero for none: it shows
// what the log alone cannot, that all of its end was written anew. The error is
// ErrChain, with the first place that is wrong, where an event was altered, taken out
// or put in, or where the end was cut off.
func (r *Reader) Verify(ctx context.Context, kept Head) (Head, error) {
	head, err := r.Head(ctx)
	if err != nil {
		return Head{}, err
	}
	var last Head
	var seq int64
	var prev, hash string
	dest := []any{&head.Seq, &head.Hash, &seq, &prev, &hash}
	cols := make([]string, len(eventNames))
	for i := range cols {
		dest = append(dest, &cols[i])
	}
	err = each(ctx, r.db, func(row row) error {
		if err := row.Scan(dest...); err != nil {
			return err
		}
		switch want := last.Seq + 1; {
		case seq < want:
			return broken("event %d was put in", seq)
		case seq == want+1:
			return broken("event %d is missing", want)
		case seq > want:
			return broken("events %d to %d are missing", want, seq-1)
		case hash != link(seq, prev, func(i int) string { return cols[i] }):
			return broken("event %d was altered", seq)
		case prev != last.Hash:
			return broken("event %d does not follow on the one before: one of the two was written anew", seq)
		case seq == kept.Seq && hash != kept.Hash:
			return broken("event %d is not the one that was kept: it, or one before it, was written anew", seq)
		}
		last = Head{seq, hash}
		return nil
	}, selectChain)
	if err == nil {
		err = last.isEnd(head, kept)
	}
	if err != nil {
		return last, fmt.Errorf("verify the audit log: %w", err)
	}
	return last, nil
}

// isEnd checks that the last event is the one that was written last.
func (h Head) isEnd(head, kept Head) error {
	switch {
	case h.Seq < head.Seq:
		return broken("it ends at event %d, and %d were written: its end was cut off", h.Seq, head.Seq)
	case h.Seq > head.Seq:
		return broken("it goes on to event %d, and %d were written", h.Seq, head.Seq)
	case h.Hash != head.Hash:
		return broken("event %d is not the one that was written last", h.Seq)
	case h.Seq < kept.Seq:
		return broken("it ends at event %d, and event %d was kept: its end was cut off", h.Seq, kept.Seq)
	default:
		return nil
	}
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrChain}, args...)...)
}
