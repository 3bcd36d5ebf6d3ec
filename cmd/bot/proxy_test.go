package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
)

// Slack, its sockets and Baseten are reached through the proxy of HTTPS_PROXY alone, and
// an authority of the company's own is trusted that SSL_CERT_FILE names, and only then.
// Both are read once by a process, so the bot is one of its own here.
func TestProxyAndOwnAuthority(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	w := newWorld(t)
	env := w.Env()
	const slack, sockets, baseten = "slack.example", "sockets.slack.example", "baseten.example"

	ca, certificate := authority(t, slack, sockets, baseten)
	outside := httptest.NewUnstartedServer(forward(t, map[string]string{slack: env["SLACK_API_URL"], sockets: env["SLACK_API_URL"], baseten: env["BASETEN_BASE_URL"]}, sockets))
	outside.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	outside.Config.ErrorLog = zap.NewStdLog(zap.NewNop()) // a refused handshake is part of it
	outside.StartTLS()
	t.Cleanup(outside.Close)
	proxy := &tunnels{to: outside.Listener.Addr().String()}
	inside := httptest.NewServer(proxy)
	t.Cleanup(inside.Close)

	env["SLACK_API_URL"], env["BASETEN_BASE_URL"] = "https://"+slack+"/api/", "https://"+baseten
	env["HTTPS_PROXY"] = inside.URL
	if out, err := botProcess(t, env, "check").CombinedOutput(); err == nil || !strings.Contains(string(out), "certificate") {
		t.Errorf("check trusts an authority that nobody named: %v\n%s", err, out)
	}

	env["SSL_CERT_FILE"] = filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(env["SSL_CERT_FILE"], ca, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := botProcess(t, env, "check").CombinedOutput(); err != nil {
		t.Fatalf("check: %v\n%s", err, out)
	}
	bot := botProcess(t, env)
	var out bytes.Buffer
	bot.Stdout, bot.Stderr = &out, &out
	if err := bot.Start(); err != nil {
		t.Fatal(err)
	}
	connected(t, w)
	w.As("Ana").Slash("#ml-oncall", "/autoscale llama-70b production max=5")
	if _, err := w.As("Ana").Sees(t.Context(), "Baseten: ACCEPTED"); err != nil {
		t.Error(err)
	}
	if err := bot.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := bot.Wait(); err != nil {
		t.Errorf("%v, output:\n%s", err, &out)
	}
	for _, host := range []string{slack, sockets, baseten} {
		if !slices.Contains(proxy.asked(), host+":443") {
			t.Errorf("nothing went to %s through the proxy, only to %v", host, proxy.asked())
		}
	}
}

// botProcess is this test binary as the bot.
func botProcess(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bot := exec.CommandContext(t.Context(), self, args...)
	bot.Env = []string{asBot + "=1"}
	for name, value := range env {
		bot.Env = append(bot.Env, name+"="+value)
	}
	return bot
}

// tunnels is a proxy that leads everything to one place, and keeps where it was to go.
type tunnels struct {
	to string

	mu    sync.Mutex
	hosts []string
}

func (p *tunnels) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hosts)
}

func (p *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	p.mu.Lock()
	p.hosts = append(p.hosts, r.Host)
	p.mu.Unlock()
	var dialer net.Dialer
	there, err := dialer.DialContext(r.Context(), "tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		defer func() { _ = there.Close() }()
		_, _ = io.Copy(there, here)
	}()
	defer func() { _ = here.Close() }()
	_, _ = io.Copy(here, there)
}

// forward serves the simulators under names of the outside. The address of a socket in
// an answer of Slack is the one that they are reached by.
func forward(t *testing.T, hosts map[string]string, sockets string) http.Handler {
	t.Helper()
	to := make(map[string]*httputil.ReverseProxy)
	for host, address := range hosts {
		target, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		to[host] = &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, target.Host
				r.Out.Header.Del("Accept-Encoding")
			},
			ModifyResponse: func(r *http.Response) error {
				if !strings.HasSuffix(r.Request.URL.Path, "/apps.connections.open") {
					return nil
				}
				body, err := io.ReadAll(r.Body)
				body = bytes.ReplaceAll(body, []byte("ws://"+target.Host), []byte("wss://"+sockets))
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				r.Header.Del("Content-Length")
				return err
			},
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to[r.Host] == nil {
			http.Error(w, "who is "+r.Host+"?", http.StatusNotFound)
			return
		}
		to[r.Host].ServeHTTP(w, r)
	})
}

// authority makes an authority and a certificate of it for some hosts.
func authority(t *testing.T, hosts ...string) ([]byte, tls.Certificate) {
	t.Helper()
	issue := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = key
		}
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Company"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, rootKey := issue(root, root, nil)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: hosts, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leafDER, leafKey := issue(leaf, root, rootKey)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
}
