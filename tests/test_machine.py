from spacy_ner_plus.machine import CPU

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R) Processor
stepping\t: 2
flags\t\t: fpu sse avx2 avx512f avx512_bf16 avx512_vnni
"""
ARM = """processor\t: 0
Features\t: fp asimddp i8mm bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""


def test_machine_reads_what_linux_lists():
    cpu = CPU.parse(f"{INTEL}\n{INTEL}")
    assert (cpu.name, cpu.family, cpu.cores) == ("Intel(R) Xeon(R) Processor", "6.207.2", 2)
    assert cpu.flags == ("avx2", "avx512f", "avx512_vnni", "avx512_bf16")


def test_machine_reads_cpus_that_linux_lists_without_a_name():
    cpu = CPU.parse(ARM)
    assert (cpu.family, cpu.cores, cpu.flags) == ("0x41.0xd40", 1, ("asimddp", "i8mm", "bf16"))


def test_machine_has_a_cpu_where_the_system_lists_none():
    cpu = CPU.parse("")
    assert (cpu.family, cpu.flags, cpu.cores) == ("", (), 0)
    assert cpu.name == CPU.parse("").name
    assert CPU.here().name
