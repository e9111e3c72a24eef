using Watari.Introspection.Symbols;

namespace Watari.Introspection.Kernel;

/// <summary>
/// A Linux kernel found in a guest's memory: its symbols, its types, its own address space. Everything else starts here.
/// Safe to be read by many threads at once.
/// </summary>
public sealed partial class GuestKernel
{
    private GuestKernel(KernelAddressSpace addressSpace, VmCoreInfo coreInfo, KernelSymbols symbols, KernelBuild build, IntrospectionLimits limits)
    {
        AddressSpace = addressSpace;
        CoreInfo = coreInfo;
        Symbols = symbols;
        Types = build.Types;
        Layout = build.Layout;
        Limits = limits;
        Pages = new PageMap(this);
        PerCpu = new PerCpuAreas(this);
    }

    /// <summary>The kernel's release, as uname -r gives it.</summary>
    public string Release => CoreInfo.Release;

    public GuestPhysicalMemory Memory => AddressSpace.Memory;

    public KernelAddressSpace AddressSpace { get; }

    public PagingMode Paging => AddressSpace.Tables.Mode;

    public VmCoreInfo CoreInfo { get; }

    public KernelSymbols Symbols { get; }

    public BtfTypes Types { get; }

    public KernelLayout Layout { get; }

    public IntrospectionLimits Limits { get; }

    /// <summary>struct page and frame numbers, one from the other.</summary>
    public PageMap Pages { get; }

    public PerCpuAreas PerCpu { get; }

    /// <summary>Finds the kernel in a guest's memory and reads its symbols and types. Nothing of the guest runs for it.</summary>
    /// <param name="memory">The guest's RAM.</param>
    /// <param name="limits">Bounds on every walk.</param>
    /// <param name="known">Kernels that were read before.</param>
    /// <param name="runs">Whether a kernel is the one that runs: a reboot leaves the one before behind, whole for a while. Null takes the first that is found.</param>
    /// <exception cref="KernelNotFoundException">There is no kernel that can be read; the message says what is lacking.</exception>
    public static GuestKernel Attach(GuestPhysicalMemory memory, IntrospectionLimits? limits = null, KnownKernels? known = null, Predicate<GuestKernel>? runs = null)
    {
        limits ??= IntrospectionLimits.Default;
        known ??= new KnownKernels();
        memory.Refresh();
        IntrospectionException? last = null;
        int notes = 0;
        foreach (VmCoreInfo note in VmCoreInfo.FindAll(memory, known.Notes))
        {
            if (++notes > limits.Notes) break;
            try
            {
                GuestKernel kernel = Attach(memory, note, limits, known);
                if (runs?.Invoke(kernel) == false) continue;
                known.Found(note.Address);
                return kernel;
            }
            catch (IntrospectionException failure)
            {
                last = failure; // perhaps an earlier kernel's note; the next may be the one
            }
        }

        throw last is null
            ? new KernelNotFoundException("No VMCOREINFO note is in the guest's memory: no Linux kernel has booted there yet, or it was built without CONFIG_VMCORE_INFO (CONFIG_CRASH_CORE).")
            : new KernelNotFoundException($"A VMCOREINFO note was found, but its kernel cannot be read. {last.Message}", last);
    }

    /// <summary>
    /// Nothing that is read after this is older than it, and no mapping that the guest has changed since is followed where it led before.
    /// Each look begins with it, and <see cref="StillGuest"/> does it whenever the guest stops or goes on.
    /// </summary>
    public void Refresh()
    {
        Memory.Refresh();
        AddressSpace.ForgetTranslations();
    }

    /// <summary>The address space of a user process under a root table given by its kernel address (mm_struct.pgd).</summary>
    /// <exception cref="KernelWalkException">No memory is at that address.</exception>
    public AddressSpace AddressSpaceAt(GuestVirtualAddress pgd)
    {
        if (!AddressSpace.TryTranslate(pgd, out GuestPhysicalAddress root))
            throw Astray(pgd, "page tables", $"their root is at {pgd}, where no memory is");
        return AddressSpace.Tables with { Root = root, Kernel = this, RootAddress = pgd };
    }

    /// <summary>A structure at an address.</summary>
    public T At<T>(GuestVirtualAddress address) where T : struct, IKernelStruct<T> => T.At(this, address);

    /// <summary>A structure that is a global variable.</summary>
    public T Global<T>(string symbol) where T : struct, IKernelStruct<T> => T.At(this, Symbols.Find(symbol));

    private static GuestKernel Attach(GuestPhysicalMemory memory, VmCoreInfo info, IntrospectionLimits limits, KnownKernels known)
    {
        if (!info.TryGetNumber("phys_base", out long physicalBase))
            throw new KernelNotFoundException("VMCOREINFO gives no phys_base: this is not an x86-64 kernel.");
        KernelImage image = KernelImage.Widest(physicalBase);
        (KernelBuild build, KernelSymbols symbols) = known.Of(memory, image, info, limits);
        CheckBanner(memory, image, symbols, info);

        if (symbols.TryFind("_text"u8, out GuestVirtualAddress start) && symbols.TryFind("_end"u8, out GuestVirtualAddress end) && start < end)
            image = image with { Start = start, End = end };
        PagingMode mode = info.TryGetNumber("pgtable_l5_enabled", out long fiveLevels) && fiveLevels != 0 ? PagingMode.FiveLevel : PagingMode.FourLevel;
        var tables = new AddressSpace(memory, mode, image.Translate(info.Symbol("swapper_pg_dir")), limits);
        var addressSpace = new KernelAddressSpace(tables, image, DirectMap(memory, image, symbols, mode));
        return new GuestKernel(addressSpace, info, symbols, build, limits);
    }

    /// <summary>A note can outlive its kernel by a reboot; the banner of the kernel that lies there now tells.</summary>
    private static void CheckBanner(GuestPhysicalMemory memory, KernelImage image, KernelSymbols symbols, VmCoreInfo info)
    {
        byte[] expected = System.Text.Encoding.Latin1.GetBytes($"Linux version {info.Release} ");
        ReadOnlySpan<byte> banner = memory.Span(image.Translate(symbols.Find("linux_banner")), expected.Length);
        if (!banner.SequenceEqual(expected))
            throw new KernelNotFoundException($"VMCOREINFO is of kernel {info.Release}, but no such kernel lies where it says.");
    }

    private static GuestVirtualAddress DirectMap(GuestPhysicalMemory memory, KernelImage image, KernelSymbols symbols, PagingMode mode) =>
        symbols.TryFind("page_offset_base"u8, out GuestVirtualAddress variable)
            ? new GuestVirtualAddress(memory.Read<ulong>(image.Translate(variable)))
            // Without CONFIG_DYNAMIC_MEMORY_LAYOUT it is a constant: __PAGE_OFFSET_BASE_L4, _L5.
            : new GuestVirtualAddress(mode.Levels == 5 ? 0xff11_0000_0000_0000 : 0xffff_8880_0000_0000);
}
