package autoscalebot_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/change"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The diagram of the states is the table in the code.
func TestStateDiagram(t *testing.T) {
	want := []string{fmt.Sprintf("[*] --> %s", change.Requested)}
	for _, from := range change.States() {
		for _, to := range change.States() {
			if from.CanBecome(to) {
				want = append(want, fmt.Sprintf("%s --> %s", from, to))
			}
		}
	}
	got := regexp.MustCompile(`\S+ --> \S+`).FindAllString(read(t, "docs/how-it-works.md"), -1)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/how-it-works.md (-want +got):\n%s", diff)
	}
}

// What the pages name exists: files that they link to, and, in the pages about the code,
// files and names in the code. The metrics that they name are looked for in a running
// bot (internal/app).
func TestPagesNameWhatExists(t *testing.T) {
	var (
		links  = regexp.MustCompile(`\]\(([^)#:]+)\)`)
		quoted = regexp.MustCompile("`([^`\n]+)`")
		fn     = regexp.MustCompile(`^([\w/]+\.go):(\w+)$`)
		value  = regexp.MustCompile("`([\\w/]+\\.go):(\\w+)` = (\\d+) (ms|s|min)\\b")
		file   = regexp.MustCompile(`^[\w./-]+\.(go|sql|js|yaml|md)$`)
		ident  = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)
	)
	files, words := sources(t)
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md") {
		text := read(t, page)
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
		for _, m := range value.FindAllStringSubmatch(text, -1) {
			unit := map[string]string{"ms": "time.Millisecond", "s": "time.Second", "min": "time.Minute"}[m[4]]
			amount := m[3] + ` \* ` + unit
			if m[3] == "1" {
				amount = unit
			}
			if !regexp.MustCompile(`\b` + m[2] + `\s+= ` + amount + `\b`).MatchString(read(t, "internal/"+m[1])) {
				t.Errorf("%s: %s is not %s %s", page, m[2], m[3], m[4])
			}
		}
		if !strings.HasPrefix(page, "docs/how-") && page != "docs/threat-model.md" {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			switch name := m[1]; {
			case fn.MatchString(name):
				at := fn.FindStringSubmatch(name)
				declared := regexp.MustCompile(`(?m)^(func (\([^)]*\) )?` + at[2] + `[(\[]|\t?(const )?` + at[2] + `\s+= )`)
				if !declared.MatchString(read(t, "internal/"+at[1])) {
					t.Errorf("%s: %s does not declare %s", page, at[1], at[2])
				}
			case file.MatchString(name):
				if !slices.ContainsFunc(files, func(f string) bool { return f == name || strings.HasSuffix(f, "/"+name) }) {
					t.Errorf("%s: there is no file %s", page, name)
				}
			case ident.MatchString(name):
				for part := range strings.SplitSeq(name, ".") {
					if !words[part] {
						t.Errorf("%s: the code does not know %s", page, name)
					}
				}
			}
		}
	}
}

// sources lists the files of the project, and the words of those that are code.
func sources(t *testing.T) (files []string, words map[string]bool) {
	t.Helper()
	word := regexp.MustCompile(`\w+`)
	words = make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		files = append(files, filepath.ToSlash(path))
		switch filepath.Ext(path) {
		case ".go", ".sql", ".js":
			for _, w := range word.FindAllString(read(t, path), -1) {
				words[w] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, words
}
