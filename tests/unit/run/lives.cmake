# SPDX-License-Identifier: Apache-2.0
# snapshot, monitors, sim, pool
foreach(name snapshot monitor monitor_threads sim pool pool_threads)
  pl_unit_test(${name} TIMEOUT 300 USES pl_run)
endforeach()
foreach(name snapshot monitor_threads pool_threads)
  set_tests_properties(unit.${name} PROPERTIES LABELS "unit;threads")
endforeach()
