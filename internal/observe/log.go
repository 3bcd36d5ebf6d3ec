package observe

import (
	"fmt"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// NewLogger returns a logger that writes one entry a line to out, from level up:
// debug, info, warn or error. The format is json, or console for people. Both may be
// written in any case.
//
// Every line is redacted as a whole just before it is written: whatever the entry
// was made of (message, fields, errors and their causes, values taken apart by
// reflection, fields added by With), a secret has no other way out.
func NewLogger(level, format string, out zapcore.WriteSyncer, r *Redactor) (*zap.Logger, error) {
	lvl, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	enc, err := newEncoder(format)
	if err != nil {
		return nil, err
	}
	w := zapcore.Lock(redactedWriter{out, r})
	return zap.New(zapcore.NewCore(enc, w, lvl), zap.AddCaller(), zap.ErrorOutput(w)), nil
}

// parseLevel is stricter than zap's own: fatal and panic are no levels to log
// from, and nothing is not a level.
func parseLevel(level string) (zapcore.Level, error) {
	switch strings.ToLower(level) {
	case "debug":
		return zapcore.DebugLevel, nil
	case "info":
		return zapcore.InfoLevel, nil
	case "warn":
		return zapcore.WarnLevel, nil
	case "error":
		return zapcore.ErrorLevel, nil
	}
	return 0, fmt.Errorf("unknown log level %q: use debug, info, warn or error", level)
}

func newEncoder(format string) (zapcore.Encoder, error) {
	cfg := zap.NewProductionEncoderConfig()
	cfg.TimeKey = "time"
	cfg.EncodeDuration = zapcore.StringDurationEncoder
	switch strings.ToLower(format) {
	case "json":
		cfg.EncodeTime = zapcore.RFC3339NanoTimeEncoder
		return zapcore.NewJSONEncoder(cfg), nil
	case "console":
		cfg.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
		return zapcore.NewConsoleEncoder(cfg), nil
	}
	return nil, fmt.Errorf("unknown log format %q: use json or console", format)
}

// redactedWriter removes secrets from what is written. It relies on zap's core
// writing each entry whole, in one call.
type redactedWriter struct {
	out zapcore.WriteSyncer
	r   *Redactor
}

func (w redactedWriter) Write(p []byte) (int, error) {
	if _, err := w.out.Write([]byte(w.r.String(string(p)))); err != nil {
		return 0, err
	}
	// The caller handed over all of p, however long it became.
	return len(p), nil
}

func (w redactedWriter) Sync() error { return w.out.Sync() }
