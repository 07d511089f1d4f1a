import Foundation

func decimal(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// 1234567 as 1,234,567.
func grouped(_ value: Int) -> String {
    var text = ""
    for (index, digit) in String(abs(value)).reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return (value < 0 ? "-" : "") + String(text.reversed())
}

/// A whole number as `grouped(Int)` writes it, any other as it is.
func grouped(_ value: Double) -> String { value.rounded() == value && abs(value) < 1e15 ? grouped(Int(value)) : "\(value)" }
