import Documents
import SearchSpaces
import Testing

@Suite struct SpaceDescriptionTests {
    @Test func theTreeReadsLikeTheTemplate() throws {
        let text = """
            halcyon: 1
            name: small
            shared: {width: {int: [8, 64], step: 8}}
            template:
              network:
                kind: chain
                depth: {int: [2, 4], name: depth}
                block: {choice: [plain, {kind: dense, growth: {float: [1, 2]}}]}
                nodes: {repeat: {choice: [a, b]}, count: {int: [1, 2]}, positions: tied}
                width: {reference: width}
            """
        let space = try SearchSpace(Document.parse(text, file: "small.yaml"))
        #expect(
            space.decisionTree.text == """
                small: infinitely many points, 192 without the continuous numbers, up to 6 decisions
                  network
                    depth (depth): int 2...4
                    block: choice of 2
                      0 plain
                      1 dense
                        growth: float 1.0...2.0
                    nodes: repeat 1, 2 times, tied
                      count: int 1...2
                      [*]: choice of a, b
                    width: shared width
                  shared width
                    once: int 8...64 step 8

                """)
        let document = space.descriptionDocument
        #expect(try document.required("decisions").array().count == space.decisions.count)
        #expect(document["size"]?.isNull == true)
    }

    /// The schema's references all have their targets, and it names every construct.
    @Test func theSchemaIsClosed() throws {
        let schema = SpaceSchema.document
        let names = Set(try schema.required("$defs").fields().map(\.key))
        func visit(_ document: Document) {
            switch document.value {
            case .array(let items): items.forEach(visit)
            case .object(let fields):
                if case .string(let target)? = document["$ref"]?.value { #expect(names.contains(String(target.dropFirst(8)))) }
                fields.forEach { visit($0.value) }
            default: break
            }
        }
        visit(schema)
        #expect(names.isSuperset(of: ["choice", "int", "float", "repeat", "reference", "derived", "constraints"]))
    }
}
