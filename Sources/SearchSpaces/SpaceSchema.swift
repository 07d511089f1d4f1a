import Documents

/// The JSON schema (draft 2020-12) of space files, for editors. Templates are open: any mapping that holds no construct is content.
package enum SpaceSchema {
    package static let document: Document = [
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Halcyon search space",
        "type": "object",
        "required": ["halcyon"],
        "anyOf": [["required": ["template"]], ["required": ["include"]]],
        "additionalProperties": false,
        "properties": [
            "halcyon": ["const": 1, "description": "The format's version."],
            "name": ["type": "string"],
            "description": ["type": "string"],
            "definitions": named("Named templates; each use makes its own decisions."),
            "shared": named("Named templates decided once; every reference has the same value."),
            "include": [
                "anyOf": [["type": "string"], ["type": "array", "items": ["type": "string"]]],
                "description": "Files, from this one's folder on, whose definitions, shared, presets and constraints are taken in; the template too where this file has none.",
            ],
            "constraints": ["$ref": "#/$defs/constraints"],
            "presets": [
                "type": "object", "description": "Named partial assignments of decisions: from the end of a decision's path to its value.",
                "additionalProperties": ["type": "object", "additionalProperties": ["type": ["number", "string", "boolean"]]],
            ],
            "preset": ["type": "string", "description": "The preset in force: what it fixes is not searched."],
            "template": template,
        ],
        "$defs": [
            "template": templateDefinition, "choice": choice, "int": int, "float": float, "repeat": repetition,
            "reference": reference, "derived": derived, "constraints": constraints, "scale": ["enum": ["linear", "log"], "description": "How values are spread; linear by default."],
        ],
    ]

    private static let template: Document = ["$ref": "#/$defs/template"]

    private static func named(_ description: Document) -> Document {
        ["type": "object", "description": description, "additionalProperties": template]
    }

    /// A mapping with one of the construct's keys must be that construct; any other value is content.
    private static let templateDefinition: Document = {
        let constructs: [Document] = TemplateParser.constructs.reversed().map(Document.init(stringLiteral:))
        let content: Document = [
            "if": ["type": "array"],
            "then": ["items": template],
            "else": [
                "if": ["type": "object"],
                "then": [
                    "properties": [
                        "let": named("Values with names for the expressions inside, which the result does not show."),
                        "constraints": ["$ref": "#/$defs/constraints"],
                    ],
                    "additionalProperties": template,
                ],
            ],
        ]
        return constructs.reduce(content) { rest, name in
            guard case .string(let text) = name.value else { return rest }
            return [
                "if": ["type": "object", "required": [name]],
                "then": ["$ref": .string("#/$defs/\(text)")],
                "else": rest,
            ]
        }
    }()

    private static func construct(_ description: Document, _ properties: Document, required: Document) -> Document {
        var all = properties
        all["name"] = ["type": "string", "description": "A name for reading."]
        return [
            "type": "object", "description": description, "properties": all, "required": required, "additionalProperties": false,
        ]
    }

    private static let choice = construct(
        "One of the alternatives; decisions inside an alternative are made only when it is chosen.",
        ["choice": ["type": "array", "minItems": 1, "items": template]], required: ["choice"])

    private static func bounds(_ type: Document) -> Document {
        ["type": "array", "minItems": 2, "maxItems": 2, "items": ["type": type], "description": "[low, high], both included."]
    }

    private static let scale: Document = ["$ref": "#/$defs/scale"]

    private static let int = construct(
        "An integer.", ["int": bounds("integer"), "step": ["type": "integer", "minimum": 1], "scale": scale], required: ["int"])

    private static let float = construct(
        "A number.", ["float": bounds("number"), "step": ["type": "number", "exclusiveMinimum": 0], "scale": scale], required: ["float"])

    private static let repetition = construct(
        "A list of the template, position by position.",
        [
            "repeat": template,
            "count": [
                "anyOf": [
                    ["type": "integer", "minimum": 0, "maximum": .int(TemplateParser.largestCount)],
                    ["$ref": "#/$defs/int"], ["$ref": "#/$defs/choice"], ["$ref": "#/$defs/reference"], ["$ref": "#/$defs/derived"],
                ],
            ],
            "positions": ["enum": ["independent", "tied"], "description": "Own decisions for each position, or one set for all."],
        ], required: ["repeat", "count"])

    private static let reference: Document = [
        "type": "object", "description": "A template of definitions or shared, by name.",
        "properties": ["reference": ["type": "string"]], "required": ["reference"], "additionalProperties": false,
    ]

    private static let derived: Document = [
        "type": "object", "description": "A value worked out from decisions, such as \"width * 2\".",
        "properties": ["derived": ["type": ["string", "number", "boolean"]]], "required": ["derived"], "additionalProperties": false,
    ]

    private static let constraints: Document = [
        "type": "array", "items": ["type": "string"],
        "description": "Expressions that have to hold, such as \"heads divides width\". What an architecture does not have breaks none.",
    ]
}
