import Documents
import Engine

extension ParameterStore {
    /// Every parameter and buffer by name.
    package var namedTensors: [NamedTensor] {
        specifications.map { NamedTensor(name: $0.name, sizes: $0.shape.sizes, values: values(of: $0.name)) }
    }

    /// Takes every parameter and buffer, or those named, from `tensors`, which must be exactly these.
    /// - Throws: `InputError` that names the file and lists missing, unexpected, mis-shaped and not finite tensors; nothing is changed then.
    package func load(_ tensors: [NamedTensor], names: [String]? = nil, path: String) throws {
        let names = names ?? self.names
        let given = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
        let wanted = Set(names)
        var faults: [String] = []
        func list(_ what: String, _ items: [String]) {
            guard !items.isEmpty else { return }
            let more = items.count > 8 ? " and \(items.count - 8) more" : ""
            faults.append("\(what) \(items.prefix(8).joined(separator: ", "))\(more)")
        }
        list("missing:", names.filter { given[$0] == nil })
        list("unexpected:", tensors.map(\.name).filter { !wanted.contains($0) })
        list("of another shape:", specifications.compactMap { specification in
            guard let found = given[specification.name], wanted.contains(specification.name), found.sizes != specification.shape.sizes else { return nil }
            return "\(specification.name) (expected \(specification.shape), found \(Shape(found.sizes)))"
        })
        guard faults.isEmpty else {
            throw InputError(
                file: path, "the tensors are not those of this architecture; " + faults.joined(separator: "; "),
                hint: "give the architecture that these weights were trained with")
        }
        let broken = names.filter { name in given[name].map { !$0.values.allSatisfy(\.isFinite) } ?? false }
        guard broken.isEmpty else {
            let more = broken.count > 8 ? " and \(broken.count - 8) more" : ""
            throw InputError(
                file: path, "these tensors hold values that are no finite numbers: \(broken.prefix(8).joined(separator: ", "))\(more)",
                hint: "the weights are of no use: train again with a lower learning rate, or take another file")
        }
        for name in names {
            if let tensor = given[name] { set(name, tensor.values) }
        }
    }
}
