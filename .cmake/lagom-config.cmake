# find_package(lagom [COMPONENTS xtensor blas io])
#
# lagom::lagom is always there and depends on nothing. A component's dependencies are looked for only when the
# component is asked for.

include(${CMAKE_CURRENT_LIST_DIR}/lagom-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/components.cmake)

foreach(component IN LISTS lagom_FIND_COMPONENTS)
  lagom_component(${component} QUIET)
  if(TARGET lagom::${component})
    set(lagom_${component}_FOUND TRUE)
  else()
    set(lagom_${component}_FOUND FALSE)
    if(lagom_FIND_REQUIRED_${component})
      lagom_component(${component})
      set(lagom_FOUND FALSE)
      set(lagom_NOT_FOUND_MESSAGE "the component ${component} of lagom is not available")
    endif()
  endif()
endforeach()
