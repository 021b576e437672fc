package serve

import (
	"net/http"
	"strconv"

	"github.com/prioritycut/prioritycut/serve/predict"
)

// modelInfo answers GET /v1/models/NAME[/versions/V] and .../metadata as
// TensorFlow Serving does.
func (s *Server) modelInfo(w http.ResponseWriter, r *http.Request) error {
	path, err := s.modelPath(r)
	if err != nil {
		return err
	}
	version := strconv.FormatInt(s.options.Version, 10)
	switch {
	case path.verb != "":
		w.Header().Set("Allow", http.MethodPost)
		return failf(http.StatusMethodNotAllowed, "post to this path")
	case path.metadata:
		writeJSON(w, http.StatusOK, predict.Metadata(s.options.Name, version, s.backend.Model.Signatures()))
	default:
		state := "AVAILABLE"
		if s.stopping.Load() {
			state = "UNLOADING"
		}
		writeJSON(w, http.StatusOK, map[string]any{"model_version_status": []any{map[string]any{
			"version": version, "state": state, "status": map[string]any{"error_code": "OK", "error_message": ""},
		}}})
	}
	return nil
}
