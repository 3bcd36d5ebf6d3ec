package change

import "go.uber.org/zap"

// zapRequest is the field by which all lines about one request are found.
func zapRequest(id ID) zap.Field { return zap.String("request", string(id)) }
