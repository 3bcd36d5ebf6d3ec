package basetensim

import "fmt"

// IDs of what Demo adds, for those who steer it.
const (
	DemoLlama            = "3ydn1e43"
	DemoLlamaProduction  = "qrpv7y0"
	DemoLlamaStaging     = "wd4mx2p"
	DemoLlamaCanary      = "q4k9zt1"
	DemoLlamaDevelopment = "31m0dev"
	DemoWhisper          = "8w6nq2rz"
	DemoWhisperServing   = "wz9c31k"
	DemoEmbed            = "5e2vxk7q"
	DemoEmbedServing     = "e5b7q0n"
	DemoSDXL             = "7sdx1m9t"
	DemoSDXLServing      = "sx2t8vh"
	DemoRerankSearch     = "4r1nksr8"
	DemoRerankAds        = "9r2nkad3"
)

// Demo adds a small, pleasant world: a language model with production, staging,
// a canary and a development deployment; speech, embedding and image models,
// one of them scaled to zero; and one model name that two teams share.
func (s *Server) Demo() {
	s.AddTeam("search")
	s.AddTeam("ads")
	s.demoLlama()
	s.demoServing(ModelSpec{DemoWhisper, "whisper-large", "", "A10Gx4x16"}, DemoWhisperServing, 9, map[string]int{
		"min_replica": 1, "max_replica": 3, "concurrency_target": 4, "scale_down_delay": 300,
	})
	s.demoServing(ModelSpec{DemoEmbed, "embed-e5", "search", "T4x4x16"}, DemoEmbedServing, 120, map[string]int{
		"min_replica": 2, "max_replica": 10, "concurrency_target": 96, "target_utilization_percentage": 25, "max_scale_down_rate": 20,
	})
	s.demoServing(ModelSpec{DemoSDXL, "sdxl-turbo", "ads", "A100"}, DemoSDXLServing, 0, map[string]int{
		"min_replica": 0, "max_replica": 2,
	})
	s.demoServing(ModelSpec{DemoRerankSearch, "rerank", "search", "T4x4x16"}, "rk5s0p1", 1, map[string]int{
		"min_replica": 1, "max_replica": 2, "concurrency_target": 16,
	})
	s.demoServing(ModelSpec{DemoRerankAds, "rerank", "ads", "T4x4x16"}, "rk8a3d2", 1, map[string]int{
		"min_replica": 1, "max_replica": 2, "concurrency_target": 16,
	})
}

func (s *Server) demoLlama() {
	settings := DefaultSettings().with(Changes{
		"min_replica": 2, "max_replica": 4, "concurrency_target": 32, "target_utilization_percentage": 70,
	})
	small := DefaultSettings().with(Changes{"min_replica": 0, "max_replica": 2, "concurrency_target": 32})
	id := s.AddModel(ModelSpec{DemoLlama, "llama-70b", "", "H100"})
	s.AddDeployment(id, DeploymentSpec{ID: DemoLlamaProduction, Name: "v12", Settings: &settings, InFlight: 60})
	s.AddDeployment(id, DeploymentSpec{ID: DemoLlamaStaging, Name: "v13-rc1", Settings: &small, InFlight: 3})
	s.AddDeployment(id, DeploymentSpec{ID: DemoLlamaCanary, Name: "canary", Settings: &small})
	s.AddDeployment(id, DeploymentSpec{ID: DemoLlamaDevelopment, Name: "development-model", Development: true})
	s.AddEnvironment(id, EnvironmentSpec{Name: production, Deployment: DemoLlamaProduction})
	s.AddEnvironment(id, EnvironmentSpec{Name: "staging", Deployment: DemoLlamaStaging})
}

// demoServing adds a model with one deployment, which serves production.
func (s *Server) demoServing(spec ModelSpec, deploymentID string, inFlight int, c Changes) {
	settings := DefaultSettings().with(c)
	id := s.AddModel(spec)
	s.AddDeployment(id, DeploymentSpec{ID: deploymentID, Name: "v1", Settings: &settings, InFlight: inFlight})
	s.AddEnvironment(id, EnvironmentSpec{Name: production, Deployment: deploymentID})
}

// Fill adds models named model-0001 and on, in the default team, each with that
// many deployments named v1 and on, of which the first serves production. It
// returns the models' IDs.
func (s *Server) Fill(models, deploymentsEach int) (ids []string) {
	for i := range models {
		id := s.AddModel(ModelSpec{Name: fmt.Sprintf("model-%04d", i+1)})
		for j := range deploymentsEach {
			d := s.AddDeployment(id, DeploymentSpec{Name: fmt.Sprintf("v%d", j+1)})
			if j == 0 {
				s.AddEnvironment(id, EnvironmentSpec{Name: production, Deployment: d})
			}
		}
		ids = append(ids, id)
	}
	return ids
}
