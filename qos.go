package ouroboros

import (
	"fmt"

	"ouroboros/core"
)

// QoSWords are the words that ParseQoS accepts, as the tools print them.
const QoSWords = "raw, best, video, voice, data"

// ParseQoS returns the predefined spec that a word on a command line stands for (spec 12 §12.2).
func ParseQoS(word string) (core.QoS, error) {
	switch word {
	case "raw":
		return core.QoSRaw, nil
	case "best":
		return core.QoSBestEffort, nil
	case "video":
		return core.QoSVideo, nil
	case "voice":
		return core.QoSVoice, nil
	case "data":
		return core.QoSData, nil
	}
	return core.QoS{}, fmt.Errorf("qos: %q: accepted are %s: %w", word, QoSWords, core.ErrInvalid)
}
