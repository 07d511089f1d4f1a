import Documents

/// Where an expression stands: what is around it, innermost first.
indirect enum Scope: Sendable {
    /// What decides whether the place exists at all.
    enum Guard: Sendable {
        case alternative(slot: Int, Int)
        case position(SpacePlan.Count, Int)
        case shared(String)
    }

    case outermost
    case mapping(Template.Mapping, path: String, Scope)
    case guarded(Guard, Scope)
    /// A place in an independent repeat.
    case position(Int, Scope)

    /// What a name means.
    enum Meaning {
        case template(Template, path: String)
        case position(Int)
        case shared(String)
    }

    /// The nearest meaning of a name in the mappings around; nil when none of them has it.
    /// - Parameter path: where the expression itself stands, which it does not see; nor the choice that it is an alternative of.
    func lookUp(_ name: String, besides path: String?) -> Meaning? {
        switch self {
        case .outermost: return nil
        case .guarded(_, let outer): return outer.lookUp(name, besides: path)
        case .position(let index, let outer): return name == "position" ? .position(index) : outer.lookUp(name, besides: path)
        case .mapping(let mapping, let own, let outer):
            for (members, isHidden) in [(mapping.hidden, true), (mapping.members, false)] {
                guard let member = members.first(where: { $0.key == name }) else { continue }
                let found = isHidden ? Template.hiddenPath(own, key: name) : Template.path(own, key: name)
                if let path, path == found || path.hasPrefix(found + "/") { continue }
                if case .shared(let shared) = member.template { return .shared(shared) }
                return .template(member.template, path: found)
            }
            return outer.lookUp(name, besides: path)
        }
    }

    var guards: [Guard] {
        switch self {
        case .outermost: []
        case .mapping(_, _, let outer), .position(_, let outer): outer.guards
        case .guarded(let guarding, let outer): [guarding] + outer.guards
        }
    }

    /// All names in reach, for hints.
    var names: [String] {
        switch self {
        case .outermost: []
        case .guarded(_, let outer): outer.names
        case .position(_, let outer): ["position"] + outer.names
        case .mapping(let mapping, _, let outer): (mapping.hidden + mapping.members).map(\.key) + outer.names
        }
    }
}
