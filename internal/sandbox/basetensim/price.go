package basetensim

// DefaultInstanceType is the ID of the instance type that a model gets unless
// its ModelSpec says otherwise.
const DefaultInstanceType = "A10Gx4x16"

// InstanceType is a kind of machine that replicas run on.
type InstanceType struct {
	ID, Name         string
	GPUs             int
	GPU              string // empty: none
	GPUMemoryMiB     int    // 0: none
	MemoryMiB        int
	MilliCPU         int
	DollarsPerMinute float64 // list price of one replica; 0: not on the price list
}

// usualInstanceTypes are a few of the kinds on Baseten's public price list; the
// prices are of the right order, not quotations.
func usualInstanceTypes() []InstanceType {
	return []InstanceType{
		{"1x2", "1x2 - 1 vCPU, 2 GiB RAM", 0, "", 0, 2 << 10, 1000, 0.00058},
		{"T4x4x16", "T4x4x16 - 16 GiB VRAM, 4 vCPUs, 16 GiB RAM", 1, "T4", 16 << 10, 16 << 10, 4000, 0.01052},
		{"A10Gx4x16", "A10Gx4x16 - 24 GiB VRAM, 4 vCPUs, 16 GiB RAM", 1, "A10G", 24 << 10, 16 << 10, 4000, 0.02012},
		{"A100", "A100 - 80 GiB VRAM, 12 vCPUs, 144 GiB RAM", 1, "A100", 80 << 10, 144 << 10, 12000, 0.06667},
		{"H100", "H100 - 80 GiB VRAM, 26 vCPUs, 234 GiB RAM", 1, "H100", 80 << 10, 234 << 10, 26000, 0.10833},
		{"H100:4", "H100:4 - 320 GiB VRAM, 104 vCPUs, 936 GiB RAM", 4, "H100", 320 << 10, 936 << 10, 104000, 0.43333},
	}
}
