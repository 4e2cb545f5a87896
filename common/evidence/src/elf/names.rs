//! Short names of processors.
//!
//! In: `e_machine`. Out: the name that Linux and Debian use for it, where they run on it.

/// Numbers of the gABI's registry and their names.
const MACHINES: [(u16, &str); 27] = [
    (2, "sparc"),
    (3, "i386"),
    (4, "m68k"),
    (8, "mips"),
    (15, "parisc"),
    (18, "sparc32plus"),
    (20, "ppc"),
    (21, "ppc64"),
    (22, "s390"),
    (40, "arm"),
    (42, "sh"),
    (43, "sparcv9"),
    (50, "ia64"),
    (62, "x86_64"),
    (92, "openrisc"),
    (93, "arc"),
    (94, "xtensa"),
    (164, "hexagon"),
    (183, "aarch64"),
    (189, "microblaze"),
    (195, "arcv2"),
    (224, "amdgpu"),
    (243, "riscv"),
    (247, "bpf"),
    (252, "csky"),
    (258, "loongarch"),
    (0x9026, "alpha"),
];

pub(super) fn machine(id: u16) -> Option<&'static str> {
    MACHINES.into_iter().find_map(|(known, name)| (known == id).then_some(name))
}
