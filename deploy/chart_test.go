package deploy_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/json"
	strict "sigs.k8s.io/yaml"
)

// manifests are the objects that the chart renders, each in the type that the API
// server has for it.
type manifests struct {
	Deployment *apps.Deployment
	Policy     *core.ConfigMap
	Volume     *core.PersistentVolumeClaim
	Service    *core.Service
	Disruption *policy.PodDisruptionBudget
	Network    *networking.NetworkPolicy
	Monitor    *monitoring.ServiceMonitor
	Rules      *monitoring.PrometheusRule
}

// sockets is what Slack allows for one app, all its processes together.
const sockets = 10

// values are those that CI renders with: helm/ci/MODE.yaml, with some set otherwise.
func values(t *testing.T, mode string, set map[string]any) map[string]any {
	t.Helper()
	out := make(map[string]any)
	if err := strict.UnmarshalStrict([]byte(read(t, "helm/ci/"+mode+".yaml")), &out); err != nil {
		t.Fatal(err)
	}
	for name, value := range set {
		at, last := out, name
		for {
			group, rest, deeper := strings.Cut(last, ".")
			if !deeper {
				break
			}
			if _, ok := at[group].(map[string]any); !ok {
				at[group] = make(map[string]any)
			}
			at, last = at[group].(map[string]any), rest
		}
		at[last] = value
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// template does what helm template does.
func template(given map[string]any) (map[string]string, error) {
	chart, err := loader.LoadDir("helm")
	if err != nil {
		return nil, err
	}
	release := common.ReleaseOptions{Name: "autoscalebot", Namespace: "ml", Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, given, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

// render fails the test where a manifest holds a field that its type does not know, or
// knows otherwise.
func render(t *testing.T, given map[string]any) *manifests {
	t.Helper()
	files, err := template(given)
	if err != nil {
		t.Fatal(err)
	}
	out := new(manifests)
	for name, text := range files {
		if path.Ext(name) != ".yaml" {
			continue
		}
		documents := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
		for {
			one, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(bytes.TrimSpace(one)) > 0 {
				out.add(t, name, one)
			}
		}
	}
	return out
}

func (m *manifests) add(t *testing.T, name string, text []byte) {
	t.Helper()
	var is meta.TypeMeta
	if err := strict.Unmarshal(text, &is); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	switch is.APIVersion + " " + is.Kind {
	case "apps/v1 Deployment":
		m.Deployment = only(t, m.Deployment, text)
	case "v1 ConfigMap":
		m.Policy = only(t, m.Policy, text)
	case "v1 PersistentVolumeClaim":
		m.Volume = only(t, m.Volume, text)
	case "v1 Service":
		m.Service = only(t, m.Service, text)
	case "policy/v1 PodDisruptionBudget":
		m.Disruption = only(t, m.Disruption, text)
	case "networking.k8s.io/v1 NetworkPolicy":
		m.Network = only(t, m.Network, text)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		m.Monitor = only(t, m.Monitor, text)
	case "monitoring.coreos.com/v1 PrometheusRule":
		m.Rules = only(t, m.Rules, text)
	default:
		t.Fatalf("%s: %s %s is not expected", name, is.APIVersion, is.Kind)
	}
}

// only decodes the one object of its kind.
func only[T any](t *testing.T, before *T, text []byte) *T {
	t.Helper()
	if before != nil {
		t.Fatalf("a second one:\n%s", text)
	}
	// As the API server reads it: encoding/json would take names in any case.
	as, err := strict.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out := new(T)
	wrong, err := json.UnmarshalStrict(as, out)
	if err := errors.Join(append(wrong, err)...); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

func (m *manifests) container(t *testing.T) *core.Container {
	t.Helper()
	if n := len(m.Deployment.Spec.Template.Spec.Containers); n != 1 {
		t.Fatalf("%d containers, want 1", n)
	}
	return &m.Deployment.Spec.Template.Spec.Containers[0]
}

func (m *manifests) variable(t *testing.T, name string) *core.EnvVar {
	t.Helper()
	env := m.container(t).Env
	if i := slices.IndexFunc(env, func(v core.EnvVar) bool { return v.Name == name }); i >= 0 {
		return &env[i]
	}
	t.Fatalf("%s is not set", name)
	return nil
}

// mounted is the volume in whose folder a file lies, which a variable names.
func (m *manifests) mounted(t *testing.T, file string) (core.VolumeMount, core.Volume) {
	t.Helper()
	for _, mount := range m.container(t).VolumeMounts {
		if mount.MountPath != path.Dir(file) {
			continue
		}
		for _, volume := range m.Deployment.Spec.Template.Spec.Volumes {
			if volume.Name == mount.Name {
				return mount, volume
			}
		}
	}
	t.Fatalf("%s lies in no volume", file)
	return core.VolumeMount{}, core.Volume{}
}

func TestChartLint(t *testing.T) {
	for _, mode := range []string{"sqlite", "postgres"} {
		for _, m := range lint.RunAll("helm", values(t, mode, nil), "ml").Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", mode, m)
			}
		}
	}
}

// With SQLite there is one process, and the next one starts when it is gone.
func TestChartSQLite(t *testing.T) {
	m := render(t, values(t, "sqlite", nil))
	spec := m.Deployment.Spec
	if *spec.Replicas != 1 || spec.Strategy.Type != apps.RecreateDeploymentStrategyType {
		t.Errorf("%d replicas, strategy %s", *spec.Replicas, spec.Strategy.Type)
	}
	file, ok := strings.CutPrefix(m.variable(t, "DATABASE_URL").Value, "sqlite:")
	mount, volume := m.mounted(t, file)
	if claim := volume.PersistentVolumeClaim; !ok || mount.ReadOnly || claim == nil || claim.ClaimName != m.Volume.Name {
		t.Errorf("the database %s is in %+v", file, volume)
	}
	if group := spec.Template.Spec.SecurityContext.FSGroup; group == nil || *group != 65532 {
		t.Errorf("the volume belongs to the group %v", group)
	}
	if keep := m.Volume.Annotations["helm.sh/resource-policy"]; keep != "keep" {
		t.Error("helm uninstall deletes the audit log")
	}
	if m.Disruption != nil || m.Monitor != nil || m.Rules != nil || m.Network != nil || m.Policy != nil {
		t.Error("it renders what is not switched on")
	}
	if got := m.variable(t, "ALLOWED_USERS").Value; got != "U0ONCALL7" {
		t.Errorf("ALLOWED_USERS is %s", got)
	}

	m = render(t, values(t, "sqlite", map[string]any{"database.sqlite.existingClaim": "mine"}))
	if _, volume := m.mounted(t, file); m.Volume != nil || volume.PersistentVolumeClaim.ClaimName != "mine" {
		t.Errorf("the existing claim is not used: %+v", volume)
	}
}

func TestChartPostgres(t *testing.T) {
	m := render(t, values(t, "postgres", nil))
	spec := m.Deployment.Spec
	if *spec.Replicas != 5 || spec.Strategy.Type != apps.RollingUpdateDeploymentStrategyType {
		t.Errorf("%d replicas, strategy %s", *spec.Replicas, spec.Strategy.Type)
	}
	from := m.variable(t, "DATABASE_URL").ValueFrom
	if from == nil || from.SecretKeyRef == nil || from.SecretKeyRef.Name != "autoscalebot-db" || from.SecretKeyRef.Key != "uri" {
		t.Errorf("DATABASE_URL is from %v", from)
	}
	if m.Volume != nil {
		t.Error("a volume that nobody needs")
	}
	if most := m.Disruption.Spec.MaxUnavailable; most == nil || most.IntValue() != 1 {
		t.Errorf("the disruption budget lets %v go", most)
	}
	pod := labels.Set(spec.Template.Labels)
	for what, selector := range map[string]*meta.LabelSelector{
		"Deployment":          spec.Selector,
		"PodDisruptionBudget": m.Disruption.Spec.Selector,
		"NetworkPolicy":       &m.Network.Spec.PodSelector,
		"Service":             {MatchLabels: m.Service.Spec.Selector},
		"spread":              spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector,
	} {
		if got, err := meta.LabelSelectorAsSelector(selector); err != nil || got.Empty() || !got.Matches(pod) {
			t.Errorf("%s selects %v, the pods are %v (%v)", what, got, pod, err)
		}
	}
	image := m.container(t).Image
	if want := "registry.example.com/autoscalebot@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"; image != want {
		t.Errorf("the image is %s, want %s", image, want)
	}
}

// However many there are, an update opens no eleventh socket, and it goes on without a
// gap where there is room.
func TestChartSockets(t *testing.T) {
	for replicas := 1; replicas <= 6; replicas++ {
		for connections := 1; connections <= sockets+1; connections++ {
			given := values(t, "postgres", map[string]any{"replicas": replicas, "slackConnections": connections})
			_, err := template(given)
			if fits := replicas <= 5 && replicas*connections <= sockets; fits != (err == nil) {
				t.Errorf("%d × %d sockets: %v", replicas, connections, err)
			}
			if err != nil {
				continue
			}
			m := render(t, given)
			update := m.Deployment.Spec.Strategy.RollingUpdate
			extra := update.MaxSurge.IntValue()
			if (replicas+extra)*connections > sockets || extra+update.MaxUnavailable.IntValue() != 1 {
				t.Errorf("%d × %d sockets: an update adds %v and takes %v", replicas, connections, update.MaxSurge, update.MaxUnavailable)
			}
			if room := (replicas+1)*connections <= sockets; room != (extra == 1) {
				t.Errorf("%d × %d sockets: an update adds %d", replicas, connections, extra)
			}
			if (m.Disruption != nil) != (replicas > 1) {
				t.Errorf("%d replicas: disruption budget %v", replicas, m.Disruption)
			}
		}
	}
}

// No secret is a value: tokens are files of a Secret, which the bot reads again.
func TestChartSecrets(t *testing.T) {
	for _, mode := range []string{"sqlite", "postgres"} {
		m := render(t, values(t, mode, nil))
		for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "BASETEN_API_KEY"} {
			file := m.variable(t, name+"_FILE").Value
			mount, volume := m.mounted(t, file)
			source := volume.Secret
			if source == nil || source.SecretName != "autoscalebot" || !mount.ReadOnly || mount.SubPath != "" {
				t.Fatalf("%s: %s is in %+v", mode, file, volume)
			}
			if !slices.Contains(source.Items, core.KeyToPath{Key: name, Path: path.Base(file)}) {
				t.Errorf("%s: the Secret's %s is not %s", mode, name, file)
			}
			// The group is the pod's, see fsGroup.
			if *source.DefaultMode != 0o440 {
				t.Errorf("%s: secrets have mode %o", mode, *source.DefaultMode)
			}
		}
		for _, v := range m.container(t).Env {
			if slices.Contains([]string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "BASETEN_API_KEY"}, v.Name) {
				t.Errorf("%s: %s stands in the environment", mode, v.Name)
			}
		}
	}
}

// The policy is a folder, so that a new version of the ConfigMap arrives.
func TestChartPolicy(t *testing.T) {
	given := values(t, "postgres", nil)
	m := render(t, given)
	file := m.variable(t, "POLICY_FILE").Value
	mount, volume := m.mounted(t, file)
	if mount.SubPath != "" || !mount.ReadOnly || volume.ConfigMap == nil || volume.ConfigMap.Name != m.Policy.Name {
		t.Errorf("%s is mounted as %+v from %+v", file, mount, volume)
	}
	want := given["policy"].(map[string]any)["text"]
	if diff := cmp.Diff(want, m.Policy.Data[path.Base(file)]); diff != "" {
		t.Errorf("the policy (-given +rendered):\n%s", diff)
	}
	// A new policy is taken without a restart.
	other := render(t, values(t, "postgres", map[string]any{"policy.text": "version: 1\n"}))
	if diff := cmp.Diff(m.Deployment, other.Deployment); diff != "" {
		t.Errorf("another policy is another Deployment:\n%s", diff)
	}

	m = render(t, values(t, "postgres", map[string]any{"policy.text": "", "policy.existingConfigMap": "ours"}))
	if _, volume := m.mounted(t, file); volume.ConfigMap == nil || volume.ConfigMap.Name != "ours" || m.Policy != nil {
		t.Errorf("the existing ConfigMap is not used: %+v", volume)
	}
}

func TestChartHardened(t *testing.T) {
	for _, mode := range []string{"sqlite", "postgres"} {
		m := render(t, values(t, mode, nil))
		pod, box := m.Deployment.Spec.Template.Spec, m.container(t)
		yes, no, user := true, false, int64(65532)
		same(t, mode+" pod", pod.SecurityContext, &core.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &user, RunAsGroup: &user,
			FSGroup: &user, FSGroupChangePolicy: pod.SecurityContext.FSGroupChangePolicy,
			SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
		})
		same(t, mode+" container", box.SecurityContext, &core.SecurityContext{
			AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
			Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}},
		})
		same(t, mode+" token of the API server", pod.AutomountServiceAccountToken, &no)
		// The bot asks at most 22 s for its end.
		if got := *pod.TerminationGracePeriodSeconds; got < 25 {
			t.Errorf("%s: killed after %d s", mode, got)
		}
	}
}

// Probes and Prometheus ask what the bot serves, on the port that it serves on.
func TestChartAsksWhatIsServed(t *testing.T) {
	served := read(t, "../internal/observe/http.go")
	m := render(t, values(t, "postgres", nil))
	box := m.container(t)
	for want, probe := range map[string]*core.Probe{"/healthz": box.LivenessProbe, "/readyz": box.ReadinessProbe} {
		if probe.HTTPGet.Path != want || !strings.Contains(served, `"GET `+want+`"`) {
			t.Errorf("a probe asks %s, want %s", probe.HTTPGet.Path, want)
		}
		if probe.HTTPGet.Port.StrVal != box.Ports[0].Name {
			t.Errorf("a probe asks port %s", probe.HTTPGet.Port.StrVal)
		}
	}
	if got, want := m.variable(t, "HTTP_ADDR").Value, fmt.Sprintf(":%d", box.Ports[0].ContainerPort); got != want {
		t.Errorf("HTTP_ADDR is %s, the port %s", got, want)
	}
	port := m.Service.Spec.Ports[0]
	if port.TargetPort.StrVal != box.Ports[0].Name {
		t.Errorf("the service leads to port %s", port.TargetPort.StrVal)
	}
	scrape := m.Monitor.Spec.Endpoints[0]
	if scrape.Port != port.Name || !strings.Contains(served, `"GET `+scrape.Path+`"`) {
		t.Errorf("Prometheus asks %s of port %s", scrape.Path, scrape.Port)
	}
	selector, err := meta.LabelSelectorAsSelector(&m.Monitor.Spec.Selector)
	if err != nil || selector.Empty() || !selector.Matches(labels.Set(m.Service.Labels)) {
		t.Errorf("the monitor selects %v, the service has %v", selector, m.Service.Labels)
	}
	allowed := m.Network.Spec.Ingress[0]
	if allowed.Ports[0].Port.StrVal != box.Ports[0].Name || allowed.From[0].NamespaceSelector == nil {
		t.Errorf("the network lets in %+v", allowed)
	}
}

func TestChartNetwork(t *testing.T) {
	open := func(m *manifests) (out []int) {
		for _, port := range m.Network.Spec.Egress[0].Ports {
			out = append(out, port.Port.IntValue())
		}
		return out
	}
	same(t, "ports with PostgreSQL", open(render(t, values(t, "postgres", nil))), []int{53, 53, 443, 3128, 5432})
	m := render(t, values(t, "sqlite", map[string]any{"networkPolicy.enabled": true}))
	same(t, "ports with SQLite", open(m), []int{53, 53, 443})
	if len(m.Network.Spec.Ingress) != 0 || !slices.Contains(m.Network.Spec.PolicyTypes, networking.PolicyTypeIngress) {
		t.Errorf("anybody is let in: %+v", m.Network.Spec)
	}
}

// The rules of the chart are those of alerts.yaml, whose braces are Prometheus's.
func TestChartRules(t *testing.T) {
	var want monitoring.PrometheusRuleSpec
	if err := strict.UnmarshalStrict([]byte(read(t, "alerts.yaml")), &want); err != nil {
		t.Fatal(err)
	}
	m := render(t, values(t, "postgres", nil))
	same(t, "rules", m.Rules.Spec, want)
	if len(want.Groups) == 0 || m.Rules.Labels["release"] != "prometheus" {
		t.Errorf("%d groups, labels %v", len(want.Groups), m.Rules.Labels)
	}
}

func TestChartRefuses(t *testing.T) {
	tests := map[string]struct {
		mode string
		set  map[string]any
		says string
	}{
		"no image":                 {"sqlite", map[string]any{"image.repository": ""}, "/image/repository"},
		"a digest cut short":       {"sqlite", map[string]any{"image.digest": "sha256:0123"}, "/image/digest"},
		"no secret":                {"sqlite", map[string]any{"secret": ""}, "/secret"},
		"a token as a value":       {"sqlite", map[string]any{"slackBotToken": "xoxb-1"}, "slackBotToken"},
		"a token as a variable":    {"sqlite", map[string]any{"env": []any{map[string]any{"name": "SLACK_BOT_TOKEN", "value": "xoxb-1"}}}, "/env/0/name"},
		"no policy":                {"sqlite", map[string]any{"policy.allowedUsers": []any{}}, "/policy"},
		"two policies":             {"postgres", map[string]any{"policy.existingConfigMap": "ours"}, "/policy"},
		"a person's name":          {"sqlite", map[string]any{"policy.allowedUsers": []any{"ana"}}, "/policy/allowedUsers/0"},
		"two processes on SQLite":  {"sqlite", map[string]any{"replicas": 2}, "/replicas"},
		"no process":               {"postgres", map[string]any{"replicas": 0}, "/replicas"},
		"twelve sockets":           {"postgres", map[string]any{"replicas": 6}, "/replicas"},
		"fifteen sockets":          {"postgres", map[string]any{"slackConnections": 3}, "/slackConnections"},
		"another database":         {"postgres", map[string]any{"database.kind": "mysql"}, "/database/kind"},
		"a size without a unit":    {"sqlite", map[string]any{"database.sqlite.size": "1"}, "/database/sqlite/size"},
		"a channel's name":         {"sqlite", map[string]any{"announceChannel": "#alarms"}, "/announceChannel"},
		"a slip of the finger":     {"sqlite", map[string]any{"replica": 1}, "replica"},
		"a slip further down":      {"sqlite", map[string]any{"serviceMonitor.enable": true}, "enable"},
		"a variable without value": {"sqlite", map[string]any{"env": []any{map[string]any{"name": "HTTPS_PROXY"}}}, "/env/0"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		_, err := template(values(t, tt.mode, tt.set))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want it refused with %q", name, err, tt.says)
		}
	}
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
