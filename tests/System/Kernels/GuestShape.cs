using Watari.Guests;

namespace Watari.SystemTests.Kernels;

/// <summary>A kernel and the machine it runs on, in what introspection could depend on.</summary>
/// <param name="Kernel">Debian suite and flavour, as guest-image/build.sh takes them.</param>
/// <param name="MemoryMiB">From 3 GiB on some of it lies above the PCI hole.</param>
/// <param name="Vcpus">How many.</param>
/// <param name="FiveLevels">Whether the processor offers LA57.</param>
/// <param name="Arguments">Of the kernel: nokaslr, pti=on, transparent_hugepage=….</param>
public sealed record GuestShape(string Kernel, int MemoryMiB = 512, int Vcpus = 1, bool FiveLevels = true, string Arguments = "")
{
    private const string SuiteOfDisk = "trixie";

    private static readonly GuestShape[] s_machines =
    [
        new("", 256, 1, false, "nokaslr pti=off transparent_hugepage=never"),
        new("", 256, 2, true, "pti=on transparent_hugepage=always"),
        new("", 512, 4, false, "pti=on transparent_hugepage=never"),
        new("", 512, 1, true, "nokaslr pti=on transparent_hugepage=madvise"),
        new("", 3072, 2, false, "pti=on transparent_hugepage=always nokaslr"),
        new("", 6144, 4, true, "pti=off transparent_hugepage=never"),
        new("", 6144, 1, false, "pti=on transparent_hugepage=always"),
        new("", 6144, 2, true, "nokaslr pti=off transparent_hugepage=madvise"),
    ];

    /// <summary>One of each kernel; together each machine that matters once.</summary>
    public static IReadOnlyList<GuestShape> Few { get; } =
    [
        new("bullseye/cloud-amd64", FiveLevels: false, Arguments: "pti=on"),
        new("bookworm/cloud-amd64", MemoryMiB: 256, Arguments: "nokaslr transparent_hugepage=never"),
        new("trixie/cloud-amd64", MemoryMiB: 6144, Vcpus: 2, FiveLevels: false, Arguments: "transparent_hugepage=always"),
        new("sid/cloud-amd64", Vcpus: 4),
    ];

    /// <summary>Every kernel on every machine of a list in which each value of each property occurs, beside several of the others.</summary>
    public static IReadOnlyList<GuestShape> All { get; } =
    [
        .. from suite in (string[])["bullseye", "bookworm", "trixie", "sid"]
           from flavour in (string[])["cloud-amd64", "amd64"]
           from machine in s_machines
           select machine with { Kernel = $"{suite}/{flavour}" },
    ];

    public string Image => Kernel == $"{SuiteOfDisk}/cloud-amd64" ? SuiteOfDisk : $"{SuiteOfDisk}+{Kernel.Replace('/', '-')}";

    public GuestOptions Options => new()
    {
        Name = "shape",
        Suite = Image,
        MemoryMiB = MemoryMiB,
        Vcpus = Vcpus,
        Cpu = FiveLevels ? null : "max,-cx16,-la57",
        KernelArguments = Arguments,
    };

    public override string ToString() => $"{Kernel} {MemoryMiB} MiB, {Vcpus} CPU, {(FiveLevels ? "la57" : "no la57")} {Arguments}".TrimEnd();
}
