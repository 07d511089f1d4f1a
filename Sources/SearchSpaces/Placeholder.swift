package struct Genotype: Sendable {}
package struct SearchSpace: Sendable {}
