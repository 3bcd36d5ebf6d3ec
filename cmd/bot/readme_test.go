package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/app"
	"autoscalebot/internal/sandbox/basetensim"
)

const root = "../../"

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// codeBlocks are the indented blocks of a page, unindented, their continued lines joined.
func codeBlocks(page string) []string {
	var out []string
	for _, block := range regexp.MustCompile(`(?m)(?:^ {4,}\S.*\n)+`).FindAllString(page, -1) {
		block = regexp.MustCompile(`(?m)^ +`).ReplaceAllString(block, "")
		out = append(out, strings.ReplaceAll(block, "\\\n", ""))
	}
	return out
}

// shellWords takes a command line apart as a shell does, for the quotes that pages use. A
// comment ends it.
func shellWords(line string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`#.*|(?:"[^"]*"|'[^']*'|[^\s"'])+`).FindAllString(line, -1) {
		if strings.HasPrefix(m, "#") {
			break
		}
		out = append(out, strings.NewReplacer(`"`, "", `'`, "").Replace(m))
	}
	return out
}

// placed puts a bot where make build puts it: the one that is tested.
func placed(t *testing.T, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asBot, self)
	if err := os.WriteFile(filepath.Join(dir, "bin", "bot"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// sh runs a line in a folder, in an environment of its own.
func sh(t *testing.T, dir string, env map[string]string, line string) (code int, output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatalf("%s: %v", line, err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// The policy in the README, and the two commands below it, give what it says.
func TestReadmePolicy(t *testing.T) {
	page := readPage(t, "README.md")
	policy := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("there is no policy")
	}
	dir := t.TempDir()
	placed(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "policy"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "policy", "policy.yaml"), []byte(policy[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	says := map[string]string{
		"test":    "1 test, all passed.",
		"lint":    "ok    policy/policy.yaml: 3 rules, nothing found",
		"explain": "approve",
	}
	for _, block := range codeBlocks(page) {
		for line := range strings.Lines(block) {
			words := shellWords(line)
			if len(words) < 3 || words[0] != "bin/bot" || words[1] != "policy" {
				continue
			}
			want, known := says[words[2]]
			if !known {
				t.Errorf("%s: what it gives is not known here", line)
			}
			delete(says, words[2])
			if code, out := sh(t, dir, nil, line); code != 0 || !strings.Contains(out, want) {
				t.Errorf("%s gives %d, and does not say %q:\n%s", line, code, want, out)
			}
		}
	}
	if len(says) > 0 {
		t.Errorf("the README does not have the commands that give %v", says)
	}
}

// Every command of the bot that a page names can be typed as it stands there.
func TestPagesNameCommandsOfTheBot(t *testing.T) {
	pages, err := filepath.Glob(root + "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, page := range pages {
		pages[i] = strings.TrimPrefix(page, root)
	}
	inline := regexp.MustCompile("`(?:[A-Z_]+=\\S+ )?bot((?: [^`]+)?)`")
	found := 0
	for _, page := range append(pages, "README.md", "SECURITY.md") {
		text := readPage(t, page)
		var lines []string
		for _, m := range inline.FindAllStringSubmatch(text, -1) {
			lines = append(lines, m[1])
		}
		for _, block := range append(codeBlocks(text), regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllString(text, -1)...) {
			for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", "")) {
				words := shellWords(line)
				for i, word := range words {
					if word == "bin/bot" || word == "bot" || word == "autoscalebot" && slices.Contains(words[:i], "run") && words[0] == "docker" && words[i-1] != "--name" && words[i-1] != "-t" {
						lines = append(lines, strings.Join(quoted(words[i+1:]), " "))
						break
					}
				}
			}
		}
		for _, line := range lines {
			found++
			args := shellWords(line)
			if i := slices.IndexFunc(args, func(a string) bool { return a == "|" || a == ">" || a == "&&" }); i >= 0 {
				args = args[:i]
			}
			var out bytes.Buffer
			if command, code, err := parse(args, &out, &out); command == nil && code != 0 && !isShortened(args, err) {
				t.Errorf("%s: bot %s: %v", page, line, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d commands were found", found)
	}
}

// isShortened tells of a command that is named without what it needs, or of words that
// name several, such as bot policy.
func isShortened(args []string, err error) bool {
	return err != nil && (strings.Contains(err.Error(), "missing flags") || strings.HasPrefix(err.Error(), `expected "<`)) ||
		len(args) == 1 && slices.Contains([]string{"policy", "audit"}, args[0])
}

func quoted(words []string) []string {
	out := slices.Clone(words)
	for i, w := range out {
		if strings.Contains(w, " ") {
			out[i] = `"` + w + `"`
		}
	}
	return out
}

// The lines for Docker fit the image: what they mount, publish and set is what it uses.
func TestReadmeDocker(t *testing.T) {
	page, image := readPage(t, "README.md"), readPage(t, "Dockerfile")
	var build, check, run []string
	for _, block := range codeBlocks(page) {
		for line := range strings.Lines(block) {
			switch words := shellWords(line); {
			case len(words) < 2 || words[0] != "docker":
			case words[1] == "build":
				build = words
			case words[len(words)-1] == "check":
				check = words
			default:
				run = words
			}
		}
	}
	if build == nil || check == nil || run == nil {
		t.Fatalf("the lines are %q, %q, %q", build, check, run)
	}
	tag := after(build, "-t")
	if check[len(check)-2] != tag || run[len(run)-1] != tag {
		t.Errorf("%q is built, and %q and %q are run", tag, check[len(check)-2], run[len(run)-1])
	}
	if arg, _, _ := strings.Cut(after(build, "--build-arg"), "="); !regexp.MustCompile(`(?m)^ARG .*\b` + arg + `\b`).MatchString(image) {
		t.Errorf("the image takes no %s", arg)
	}
	for _, line := range [][]string{check, run} {
		if after(line, "--env-file") != "bot.env" {
			t.Errorf("%q takes no bot.env", line)
		}
		for i, word := range line {
			if word != "-v" {
				continue
			}
			switch from, to, _ := strings.Cut(line[i+1], ":"); from {
			case "$PWD/policy":
				if to != "/policy:ro" || !strings.Contains(page, "`POLICY_FILE=/policy/policy.yaml`") {
					t.Errorf("the policy is mounted at %s", to)
				}
			case "autoscalebot":
				if to != "/data" || !strings.Contains(image, "VOLUME "+to) || !strings.Contains(image, "DATABASE_URL=sqlite:"+to+"/") {
					t.Errorf("the database's volume is mounted at %s", to)
				}
			default:
				t.Errorf("%s is mounted", from)
			}
		}
	}
	if port := after(run, "-p"); !strings.HasSuffix(port, ":8080") || !strings.Contains(image, "HTTP_ADDR=:8080") || !strings.Contains(image, "EXPOSE 8080") {
		t.Errorf("the port is %s", port)
	}
}

// after is the word that follows another one.
func after(words []string, word string) string {
	if i := slices.Index(words, word); i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

// make build makes what the README then runs.
func TestReadmeMakes(t *testing.T) {
	page, makefile := readPage(t, "README.md"), readPage(t, "Makefile")
	for _, target := range regexp.MustCompile("(?m)(?:`|^ {4,})make ([a-z-]+)").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("there is no make %s", target[1])
		}
	}
	if !regexp.MustCompile(`(?m)^build:.*\n\t.*go build .*-o bin/ \./cmd/\.\.\.`).MatchString(makefile) {
		t.Error("make build does not make bin/bot")
	}
}

// Each variable of the configuration stands in the README's table with its default, and
// nothing else does.
func TestReadmeVariables(t *testing.T) {
	want := make(map[string]string)
	config := reflect.TypeFor[app.Config]()
	for i := range config.NumField() {
		name := config.Field(i).Tag.Get("env")
		if _, inFile := config.FieldByName(strings.TrimSuffix(config.Field(i).Name, "File")); inFile && strings.HasSuffix(name, "_FILE") {
			continue // each also as …_FILE
		}
		want[name] = config.Field(i).Tag.Get("envDefault")
	}
	got := make(map[string]string)
	word := regexp.MustCompile("`([^`]*)`")
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_`, or]+) \\| ?(.*?) ?\\|.*\\|$").FindAllStringSubmatch(readPage(t, "README.md"), -1) {
		names, defaults := word.FindAllStringSubmatch(row[1], -1), word.FindAllStringSubmatch(row[2], -1)
		for i, name := range names {
			got[name[1]] = ""
			switch {
			case len(defaults) == len(names):
				got[name[1]] = defaults[i][1]
			case row[2] == "the real ones":
				got[name[1]] = want[name[1]]
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// The call that changes settings without the bot works.
func TestReadmeCallByHand(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	w := newWorld(t)
	env := w.Env()
	for _, block := range codeBlocks(readPage(t, "README.md")) {
		if !strings.HasPrefix(block, "curl") {
			continue
		}
		line := strings.NewReplacer("https://api.baseten.co", env["BASETEN_BASE_URL"], "MODEL_ID", basetensim.DemoLlama).Replace(block)
		code, out := sh(t, t.TempDir(), map[string]string{"BASETEN_API_KEY": env["BASETEN_API_KEY"]}, line)
		if code != 0 || !strings.Contains(out, "ACCEPTED") {
			t.Errorf("%s\ngives %d: %s", line, code, out)
		}
		if patches := w.Baseten.Patches(); len(patches) != 1 || !strings.HasSuffix(patches[0].Path, "/environments/production") {
			t.Errorf("patches = %+v", patches)
		}
		return
	}
	t.Error("there is no call")
}
