using System.Globalization;
using System.Text.RegularExpressions;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Paging;
using GuestPhysicalAddress = Watari.Introspection.Memory.GuestPhysicalAddress;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// Tells the kernel that runs in a VM from what a reboot has left of the one before: nobody clears its memory, and for a while it lies there whole.
/// The page tables that the processor uses lead to the one that runs alone.
/// </summary>
internal sealed partial class RunningKernel(VirtualMachine machine)
{
    /// <summary>A process may end, and its tables with it, between the processor's word and a look at them; and what was asked first may be of before a boot.</summary>
    private const int Attempts = 3;

    private const ulong NoTable = 0;
    private const ulong AddressOfTable = 0x000f_ffff_ffff_f000; // CR3_ADDR_MASK
    private const uint Paging = 1U << 31; // X86_CR0_PG

    // With page-table isolation a program runs on the table behind the kernel's (PTI_USER_PGTABLE_BIT, arch/x86/entry/calling.h).
    private const ulong ProgramsHalf = 1UL << 12;

    /// <summary>Begins to ask QEMU, which answers while kernels are looked for.</summary>
    /// <returns>Of a kernel, whether it is the one that runs; true where QEMU does not say. Blocks: for the engine's threads.</returns>
    public Predicate<GuestKernel> Ask()
    {
        Task<string> asked = AskRegistersAsync();
        return kernel => Is(kernel, asked);
    }

    private bool Is(GuestKernel kernel, Task<string> asked)
    {
        GuestVirtualAddress banner = kernel.Symbols.Find("linux_banner");
        GuestPhysicalAddress place = kernel.AddressSpace.Translate(banner);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (!TryGetTable(attempt == 0 ? asked : AskRegistersAsync(), out ulong root)) return true;
            if (root == NoTable) continue;
            kernel.Refresh();
            if (LeadsThere(root) || LeadsThere(root & ~ProgramsHalf)) return true;
        }

        return false;

        bool LeadsThere(ulong root)
        {
            try
            {
                var tables = new AddressSpace(kernel.Memory, kernel.Paging, new GuestPhysicalAddress(root), kernel.Limits);
                return tables.TryTranslate(banner, out GuestPhysicalAddress found) && found == place;
            }
            catch (GuestMemoryException)
            {
                return false;
            }
        }
    }

    /// <summary>The root of the first processor's page tables; none where it works without, as firmware does after a reset.</summary>
    /// <returns>False where QEMU does not say.</returns>
    private static bool TryGetTable(Task<string> asked, out ulong root)
    {
        root = NoTable;
        try
        {
            Match match = ControlRegisters().Match(asked.GetAwaiter().GetResult());
            if (!match.Success) return false;
            if ((uint.Parse(match.Groups["cr0"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Paging) == 0) return true;
            // While a 32-bit program runs, QEMU shows the lower half alone (x86_cpu_dump_state in target/i386/cpu-dump.c).
            ReadOnlySpan<char> table = match.Groups["cr3"].ValueSpan;
            if (table.Length < 2 * sizeof(ulong)) return false;
            root = ulong.Parse(table, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & AddressOfTable;
            return true;
        }
        catch (HypervisorException)
        {
            return false;
        }
    }

    private Task<string> AskRegistersAsync() => machine.Qmp.HumanAsync("info registers");

    // "CR0=80050033 CR2=00007ffc64d4aff8 CR3=0000000002a52000 CR4=000006f0"
    [GeneratedRegex(@"\bCR0=(?<cr0>[0-9a-f]{8}) CR2=[0-9a-f]+ CR3=(?<cr3>[0-9a-f]+)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex ControlRegisters();
}
