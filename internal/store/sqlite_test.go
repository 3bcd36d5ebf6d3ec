package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"autoscalebot/internal/change"
)

func TestSQLiteFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, "sqlite:"+filepath.Join(dir, "bot.db"))
	create(t, s, pending("AAAAA", "d1", 0))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		found = append(found, e.Name())
	}
	diff(t, []string{"bot.db", "bot.db-shm", "bot.db-wal", "bot.db.lock"}, found)
}

func TestSQLiteOneProcess(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "bot.db")
	first := openStore(t, url)

	_, err := Open(t.Context(), Config{URL: url, LockWait: 10 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "is in use by another autoscalebot process; use PostgreSQL for several") {
		t.Fatalf("error = %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(gone, Config{URL: url})
	wantErr(t, err, context.Canceled)

	// The next process waits for the first to go, and says so.
	core, logged := observer.New(zap.InfoLevel)
	then := zap.Hooks(func(zapcore.Entry) error { return first.Close() })
	second, err := Open(t.Context(), Config{URL: url, Log: zap.New(core, then)})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if n := logged.FilterMessageSnippet("another process holds the database").Len(); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// An existing file that others could read is theirs no longer.
func TestSQLiteTightened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	s, err := Open(t.Context(), Config{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	core, logged := observer.New(zap.InfoLevel)
	s, err = Open(t.Context(), Config{URL: "sqlite:" + path, Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if n := logged.FilterMessageSnippet("other users could open the database").Len(); n != 2 {
		t.Errorf("it was said of %d files", n)
	}
}

// A reader that is slow does not keep anybody from writing, nor the other way.
func TestSQLiteReadsBesideWrites(t *testing.T) {
	s := openStore(t, "sqlite:"+filepath.Join(t.TempDir(), "bot.db"))
	create(t, s, pending("AAAAA", "d1", 0))
	mustChange(t, s, "AAAAA", alter(func(*change.Request) {
		if got := get(t, s, "AAAAA"); got.Version != 1 {
			t.Errorf("read version %d of a change that is not committed", got.Version)
		}
	}))
	record(t, s, change.Event{Kind: change.EventStarted})
	if err := s.Audit(t.Context(), AuditFilter{}, func(change.Event) error {
		create(t, s, pending("BBBBB", "d1", 0))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSQLitePaths(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{
		filepath.Join(dir, "a b%20#c&d=e.db"),
		"//" + filepath.Join(dir, "absolute.db"),
	} {
		s := openStore(t, "sqlite:"+path)
		create(t, s, pending("AAAAA", "d1", 0))
		if _, err := os.Stat(strings.TrimPrefix(path, "//")); err != nil {
			t.Errorf("the file is elsewhere: %v", err)
		}
	}
	t.Chdir(dir)
	openStore(t, "sqlite:relative.db")
	if _, err := os.Stat("relative.db"); err != nil {
		t.Error(err)
	}

	_, err := OpenBeside(t.Context(), Config{URL: "sqlite:" + filepath.Join(dir, "none.db")})
	wantErr(t, err, fs.ErrNotExist)
	_, err = Open(t.Context(), Config{URL: "sqlite:" + filepath.Join(dir, "none", "bot.db")})
	if err == nil || !strings.Contains(err.Error(), "there is no folder "+filepath.Join(dir, "none")) {
		t.Errorf("error = %v", err)
	}
	if err := os.WriteFile("text.db", []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{URL: "sqlite:text.db"}); err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("a text file: error = %v", err)
	}
}

func TestSQLiteMemoriesAreApart(t *testing.T) {
	a, b := openStore(t, "sqlite::memory:"), openStore(t, "sqlite::memory:")
	create(t, a, pending("AAAAA", "d1", 0))
	_, err := b.Get(t.Context(), "AAAAA")
	wantErr(t, err, change.ErrNotFound)
}

// Whatever stands in the password, raw or encoded: no piece of it is in an error.
func TestURL(t *testing.T) {
	for _, url := range []string{
		"", "mysql://u:s3cr3t%zz@h/d", "u:s3cr3t@h", "sqlite:", "sqlite://bot.db",
		"sqlite:bot.db?mode=memory",
		"postgres://u:s3cr3t%zz@127.0.0.1:1/d",
		"postgres://u:s3cr3t@127.0.0.1:1/d?connect_timeout=2",
		"postgres://u@127.0.0.1:1/d?password=s3cr3t&connect_timeout=2",
		"postgres://u:s3cr3t@127.0.0.1:port/d",
		"postgres://u:s3cr3t@127.0.0.1:1/d?sslmode=maybe",
		"postgres://u:s3cr3t@127.0.0.1:1/d?pool_max_conns=many",
		"postgres://u:s3cr3t@s3cr3t@127.0.0.1:1/d?connect_timeout=2",
		"postgres://u:s3cr3t%40s3cr3t@127.0.0.1:1/d?connect_timeout=2",
		"postgres://u:s3cr3t/s3cr3t@127.0.0.1:1/d?connect_timeout=2",
		"postgres://u:1/s3cr3t@127.0.0.1:1/d?connect_timeout=2",
		"postgres://u:1?s3cr3t@127.0.0.1:1/d",
		"postgres://u:1?s3cr3t=5@127.0.0.1:1/d",
		"postgres://u:1#s3cr3t@127.0.0.1:1/d",
		"postgres://u:s3cr3t@s/s3cr3t@127.0.0.1:1/d",
		"postgres://u:s3cr3t@127.0.0.1?s3cr3t@127.0.0.1:1/d",
	} {
		s, err := Open(t.Context(), Config{URL: url})
		if err == nil {
			t.Fatal(errors.Join(errors.New("opened "+url), s.Close()))
		}
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the error holds the password: %v", url, err)
		}
	}
	for _, url := range []string{"sqlite:bot.db", "sqlite::memory:", "postgresql://u:p%40@h/d?sslmode=disable", "postgres://h,i/d"} {
		if err := CheckURL(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
