//! Who is meant by the TCG's number for a TPM's maker.
//!
//! In: the `tcg-at-tpmManufacturer` of a certificate. Out: the maker's four letters and its name. A number that the
//! registry does not have is no fault: registries grow.
//= TCG TPM Vendor ID Registry 1.06 §2: Family 2.0 vendor IDs

/// A maker in the TCG's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// The number as letters, without the spaces and zeros behind.
    pub code: &'static str,
    /// The maker.
    pub name: &'static str,
}

impl Vendor {
    /// The maker of a `tcg-at-tpmManufacturer`: `id:` and eight hexadecimal digits, or the letters alone.
    pub fn of(manufacturer: &str) -> Option<Self> {
        let found = match manufacturer.strip_prefix("id:").or_else(|| manufacturer.strip_prefix("ID:")) {
            Some(digits) => {
                let number = (digits.len() == 8).then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
                VENDORS.iter().find(|(of, _, _)| *of == number)?
            }
            None => VENDORS.iter().find(|(_, code, _)| *code == manufacturer.trim())?,
        };
        Some(Self { code: found.1, name: found.2 })
    }
}

const VENDORS: [(u32, &str, &str); 36] = [
    // IBM's number on the PCI bus, which swtpm has by default.
    (0x0000_1014, "swtpm", "swtpm (IBM)"),
    (0x414d_4400, "AMD", "AMD"),
    (0x414e_5400, "ANT", "Ant Group"),
    (0x4154_4d4c, "ATML", "Atmel"),
    (0x4252_434d, "BRCM", "Broadcom"),
    (0x4353_434f, "CSCO", "Cisco"),
    (0x464c_5953, "FLYS", "Flyslice Technologies"),
    (0x474f_4f47, "GOOG", "Google"),
    (0x4849_5349, "HISI", "Huawei"),
    (0x4850_4500, "HPE", "HPE"),
    (0x4850_4900, "HPI", "HP"),
    (0x4942_4d00, "IBM", "IBM"),
    (0x4946_5800, "IFX", "Infineon"),
    (0x494e_5443, "INTC", "Intel"),
    (0x4c45_4e00, "LEN", "Lenovo"),
    (0x4d53_4654, "MSFT", "Microsoft"),
    (0x4e53_4700, "NSG", "NSING"),
    (0x4e53_4d20, "NSM", "National Semiconductor"),
    (0x4e54_4300, "NTC", "Nuvoton"),
    (0x4e54_5a00, "NTZ", "Nationz"),
    (0x5143_4f4d, "QCOM", "Qualcomm"),
    (0x524f_4343, "ROCC", "Fuzhou Rockchip"),
    (0x5345_414c, "SEAL", "Wisekey"),
    (0x5345_4345, "SECE", "SecEdge"),
    (0x5349_4d30, "SIM0", "simulator 0"),
    (0x5349_4d31, "SIM1", "simulator 1"),
    (0x5349_4d32, "SIM2", "simulator 2"),
    (0x5349_4d33, "SIM3", "simulator 3"),
    (0x5349_4d34, "SIM4", "simulator 4"),
    (0x534d_5343, "SMSC", "SMSC"),
    (0x534d_534e, "SMSN", "Samsung"),
    (0x534e_5300, "SNS", "Sinosun"),
    (0x5354_4d20, "STM", "STMicroelectronics"),
    (0x5458_4e00, "TXN", "Texas Instruments"),
    (0x564d_5700, "VMW", "VMware"),
    (0x5745_4300, "WEC", "Winbond"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_letters_have_names() {
        let check =
            |text: &str, code: Option<&str>| assert_eq!(Vendor::of(text).map(|vendor| vendor.code), code);
        check("id:49465800", Some("IFX"));
        check("id:53544D20", Some("STM"));
        check("id:53544d20", Some("STM"));
        check("id:474F4F47", Some("GOOG"));
        check("id:00001014", Some("swtpm"));
        check("INTC", Some("INTC"));
        check("STM ", Some("STM"));
        check("id:5354", None);
        check("id:DEADBEEF", None);
        check("id:é354", None);
        check("", None);
    }

    #[test]
    fn letters_are_the_numbers() {
        for (number, code, _) in VENDORS.iter().skip(1) {
            let letters = number.to_be_bytes();
            let letters = std::str::from_utf8(&letters).unwrap().trim_end_matches(['\0', ' ']);
            assert_eq!(letters, *code);
        }
    }
}
