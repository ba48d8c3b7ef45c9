package config

import "encoding/json"

// Schema returns the JSON schema of files of contexts, for editors that check YAML
// by one (https://json-schema.org/draft/2020-12).
func Schema() ([]byte, error) {
	type object = map[string]any
	text := object{"type": "string"}
	settings := object{}
	for _, k := range keys {
		var s object
		switch k.Kind {
		case Switch:
			s = object{"type": "boolean"}
		case Number:
			s = object{"type": "integer", "minimum": 0}
		case Paths:
			s = object{"oneOf": []object{{"type": "string"}, {"type": "array", "items": text}}}
		case Headers:
			ref := func(name string) object {
				return object{
					"type": "object", "properties": object{name: text}, "required": []string{name},
					"additionalProperties": false,
				}
			}
			s = object{"type": "object", "additionalProperties": object{"oneOf": []object{{"type": []string{
				"string",
				"number", "boolean",
			}}, ref("env"), ref("file")}}}
		default:
			s = object{"type": []string{"string", "number"}}
		}
		s["description"] = k.Help
		settings[k.Name] = s
	}
	return json.MarshalIndent(object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "contexts of rpcctl",
		"description": "config.yaml in the user's configuration folder, or " + ProjectFile + " in a project's",
		"type":        "object",
		"properties": object{
			"current": object{"type": "string", "description": "the context in use when none is named"},
			"contexts": object{
				"type":                 "object",
				"description":          "settings by name; nearly all have the name of a flag",
				"additionalProperties": object{"type": "object", "properties": settings},
			},
			"trusted": object{
				"type":                 "object",
				"description":          "project files that the user has vouched for; context trust writes it",
				"additionalProperties": text,
			},
		},
	}, "", "  ")
}
